"""Where samples are decoded: threads of this process, or processes. One that hangs or dies costs its sample at most."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Protocol

Decode = Callable[[Any], Any]
"""A sample to what the maker makes rows of. It raises nothing for a bad sample."""

_LOOK = 1.0
"""Seconds after which it is looked whether processes are alive."""

_ATTEMPTS = 3
"""A sample that was being decoded when a worker died is tried so often; the death may have been another's."""


_NICE = 10
"""How far decoding stands back behind a model that computes on the same cores."""


class Hanging(Exception):
    """A sample took too long."""


class Crashing(Exception):
    """A sample made its worker die, again and again."""


@dataclass
class Ticket:
    """A sample that is being decoded.

    Attributes:
        given_to: the pool of processes that has it, where there is one.
    """

    sample: Any
    future: Future[Any]
    attempts: int = 1
    given_to: Any = None


class Decoder(Protocol):
    def submit(self, sample: Any) -> Ticket: ...

    def result(self, ticket: Ticket, timeout: float | None) -> Any:
        """What a sample was decoded to.

        Raises:
            Hanging, Crashing: it cannot be.
        """

    def close(self) -> None: ...


class DecodingThread:
    """One thread beside the model; a new one takes over where it hangs. It ends with the process, whatever it does.

    Args:
        stands_back: the model computes on the same cores, and goes first. Its threads wait for each other at the end of
            every product: one that decoding keeps from its core holds up all of them.
    """

    def __init__(self, decode: Decode, *, stands_back: bool = False) -> None:
        self._decode, self._stands_back = decode, stands_back
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._start()

    def _start(self) -> None:
        given = (self._decode, self._waiting, self._stands_back)
        self._thread = threading.Thread(target=_work, args=given, daemon=True)
        self._thread.start()

    def submit(self, sample: Any) -> Ticket:
        ticket = Ticket(sample, Future())
        self._waiting.put(ticket)
        return ticket

    def result(self, ticket: Ticket, timeout: float | None) -> Any:
        try:
            return ticket.future.result(timeout)
        except TimeoutError:
            # Tickets are asked for in order: the thread hangs on this one, and another thread goes on with the rest.
            self._start()
            raise Hanging from None

    def close(self) -> None:
        # A thread that is at work while the interpreter ends can take the process down with it.
        self._waiting.put(None)
        self._thread.join(_LOOK)


def _work(decode: Decode, waiting: queue.SimpleQueue[Ticket | None], stands_back: bool) -> None:
    if stands_back and sys.platform == "linux":  # where each thread has a priority of its own
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))
    while (ticket := waiting.get()) is not None:
        try:
            decoded = decode(ticket.sample)
        except BaseException as error:
            ticket.future.set_exception(error)
        else:
            ticket.future.set_result(decoded)


class DecodingProcesses:
    """Several processes; all are replaced where one hangs or dies."""

    def __init__(self, decode: Decode, count: int) -> None:
        self._decode, self._count = pickle.dumps(decode), count
        self._lock = threading.Lock()
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        # Not forked: the model's threads would not survive it.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, context, initializer=_keep, initargs=(self._decode,))

    @property
    def pids(self) -> list[int]:
        return list(self._pool._processes or {})

    def submit(self, sample: Any) -> Ticket:
        with self._lock:
            return self._submit(Ticket(sample, Future()))

    def _submit(self, ticket: Ticket) -> Ticket:
        try:
            ticket.future = self._pool.submit(_decode_here, ticket.sample)
        except (BrokenProcessPool, RuntimeError):
            self._replace()
            ticket.future = self._pool.submit(_decode_here, ticket.sample)
        ticket.given_to = self._pool
        return ticket

    def _replace(self) -> None:
        old, self._pool = self._pool, self._new()
        for process in list((old._processes or {}).values()):
            process.kill()
        # A pool whose process died while it handed over a result reads on, and the interpreter would wait for it at its
        # end: this end of the pipe is the last one that keeps it from an end of its own.
        results: Any = old._result_queue
        results._writer.close()
        old.shutdown(wait=False, cancel_futures=True)

    def result(self, ticket: Ticket, timeout: float | None) -> Any:
        until = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            try:
                return pickle.loads(ticket.future.result(max(0, min(_LOOK, until - time.monotonic()))))
            except TimeoutError:
                with self._lock:
                    if ticket.given_to is self._pool and not self._bereft():
                        if time.monotonic() < until:
                            continue
                        self._replace()
                        raise Hanging from None
            except (BrokenProcessPool, CancelledError):
                pass
            with self._lock:
                if ticket.given_to is self._pool:  # else it is another sample for which the pool was given up
                    self._replace()
                    if ticket.attempts == _ATTEMPTS:
                        raise Crashing
                    ticket.attempts += 1
                self._submit(ticket)
            until = math.inf if timeout is None else time.monotonic() + timeout

    def _bereft(self) -> bool:
        """Whether a process has died. A pool whose process dies while it hands over a result waits for the rest of that
        for ever, and tells nobody."""
        return any(process.exitcode is not None for process in list((self._pool._processes or {}).values()))

    def close(self) -> None:
        with self._lock:
            self._pool.shutdown(wait=False, cancel_futures=True)


_kept: Decode


def _keep(pickled: bytes) -> None:
    global _kept
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # One thread each, without importing torch where decoding needs none.
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    _kept = pickle.loads(pickled)


def _end_with_parent() -> None:
    """A parent that is killed tells nobody: its workers would wait for samples for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _decode_here(sample: Any) -> bytes:
    # As bytes: tensors would otherwise travel as shared memory, which dies with its worker.
    return pickle.dumps(_kept(sample), protocol=pickle.HIGHEST_PROTOCOL)
