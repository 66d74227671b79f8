"""Batches of a run: shards are listed in one thread and decoded beside it, while the model works on earlier ones."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from whylight.errors import WhylightError
from whylight.runs.decoding import Crashing, Decoder, Hanging, Ticket
from whylight.runs.shards import Shards

Lost = Callable[[Any, str, str], Any]
"""What stands for a sample that could not be decoded, of the sample, a status and a line."""

_BATCHES_AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """Some decoded samples of a shard, or the end of one.

    Attributes:
        shard: its number.
        items: those of equal ``batch_with`` (where they have one) go together, at most a batch's size.
        last: nothing else of this shard comes.
        unread: why the shard could not be read to its end; it is not to be stored.
    """

    shard: int
    items: list[Any]
    last: bool = False
    unread: str | None = None


@dataclass
class Reading:
    """How batches are made.

    Attributes:
        shards: what is read.
        decoder: where.
        batch_size: samples in a batch.
        timeout: seconds after which a sample or a listing hangs; None waits for ever.
        lost: what stands for a sample that hangs or kills its worker; without it that ends the run.
    """

    shards: Shards
    decoder: Decoder
    batch_size: int
    timeout: float | None = None
    lost: Lost | None = None

    def batches(self, numbers: Iterator[int]) -> Iterator[Batch]:
        """Shards one after the other. What goes into one batch follows from the shard alone, whoever reads it."""
        feed: _Feed | None = _Feed(self.shards, numbers, self.decoder, self.batch_size * _BATCHES_AHEAD)
        try:
            while feed is not None:
                feed = yield from self._shards(feed)
        finally:
            if feed is not None:
                feed.stop()

    def _shards(self, feed: _Feed) -> Generator[Batch, None, _Feed | None]:
        """What a feed gives; returns the feed that takes over where this one hangs."""
        waiting: dict[Any, list[Any]] = {}
        while True:
            try:
                number, ticket = feed.waiting.get(timeout=self.timeout)
            except queue.Empty:
                hanging = feed.current
                feed.stop()
                if hanging is not None:
                    yield Batch(hanging, [], last=True, unread=f"nothing came for {self.timeout:g} seconds")
                return _Feed(self.shards, feed.numbers, self.decoder, self.batch_size * _BATCHES_AHEAD)
            if number is None:
                feed.stop()
                if isinstance(ticket, BaseException):
                    raise ticket
                return None
            if isinstance(ticket, Ticket):
                item = self._decoded(ticket)
                group = getattr(item, "batch_with", None)
                waiting.setdefault(group, []).append(item)
                if len(waiting[group]) == self.batch_size:
                    yield Batch(number, waiting.pop(group))
                continue
            if isinstance(ticket, BaseException):
                waiting.clear()
                yield Batch(number, [], last=True, unread=f"{type(ticket).__name__}: {ticket}")
                continue
            yield from (Batch(number, items) for items in waiting.values())
            waiting.clear()
            yield Batch(number, [], last=True)

    def _decoded(self, ticket: Ticket) -> Any:
        try:
            return self.decoder.result(ticket, self.timeout)
        except Hanging:
            status, said = "timeout", f"it could not be read in {self.timeout:g} seconds"
        except Crashing:
            status, said = "crash", "the process that decodes it dies of it"
        if self.lost is None:
            raise WhylightError(f"{ticket.sample}: {said}")
        return self.lost(ticket.sample, status, said)


class _Feed:
    """A thread that lists shards and hands their samples to the decoder, as far ahead as the queue is long."""

    def __init__(self, shards: Shards, numbers: Iterator[int], decoder: Decoder, ahead: int) -> None:
        self.numbers = numbers
        self._shards, self._decoder = shards, decoder
        self.waiting: queue.Queue[tuple[int | None, Any]] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self.current: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, unless it hangs."""
        self._stopped.set()
        self._thread.join(1)

    def _run(self) -> None:
        try:
            for number in self.numbers:
                self.current = number
                try:
                    for sample in self._shards.samples(number):
                        if not self._put(number, self._decoder.submit(sample)):
                            return
                    end = None
                except Exception as error:
                    end = error
                if not self._put(number, end):
                    return
                self.current = None
            self._put(None, None)
        except BaseException as error:
            self._put(None, error)

    def _put(self, number: int | None, what: Any) -> bool:
        while not self._stopped.is_set():
            try:
                self.waiting.put((number, what), timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
