"""Who is next: one call of a model at a time, clients in turn, no more waiting than a bound."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from whylight.web.limits import Limits
from whylight.web.refusal import Refusal

Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Waiting:
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class Line:
    """Work for one model, done on one thread. Clients take turns, however many questions each of them has waiting."""

    def __init__(self, limits: Limits, name: str = "model") -> None:
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"whylight {name}")
        self._clients: OrderedDict[str, deque[_Waiting]] = OrderedDict()
        self._busy: asyncio.Task[None] | None = None
        self._usual_seconds = 0.5

    @property
    def waiting(self) -> int:
        return sum(len(queue) for queue in self._clients.values())

    async def do(self, client: str, work: Callable[[], Answer], *, in_time: bool = True) -> Answer:
        """The work's result, when its turn has come. Giving up (cancelling) before that takes it out of the line.

        Args:
            in_time: give up when a question's time is up.

        Raises:
            Refusal: the line is full (429), or time is up (503). Whatever the work raises.
        """
        own = self._clients.get(client, ())
        if self.waiting >= self._limits.waiting or len(own) >= self._limits.waiting_of_client:
            seconds = max(1, round(self._usual_seconds * self.waiting))
            raise Refusal(429, "busy", f"many questions are waiting: ask again in {seconds} s", seconds)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._clients.setdefault(client, deque()).append(_Waiting(work, answer))
        if self._busy is None:
            self._busy = asyncio.create_task(self._serve())
        try:
            return await asyncio.wait_for(answer, self._limits.seconds if in_time else None)
        except asyncio.TimeoutError:
            said = f"no answer within {self._limits.seconds:.0f} s: ask for less, or later"
            raise Refusal(503, "too_slow", said, 5) from None

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while (next_one := self._next()) is not None:
            begin = loop.time()
            try:
                result = await loop.run_in_executor(self._thread, next_one.work)
            except Exception as error:
                if not next_one.answer.done():
                    next_one.answer.set_exception(error)
            else:
                if not next_one.answer.done():
                    next_one.answer.set_result(result)
            self._usual_seconds += 0.2 * (loop.time() - begin - self._usual_seconds)
        self._busy = None

    def _next(self) -> _Waiting | None:
        """The first question of the client whose turn it is, which then goes to the end of the line."""
        while self._clients:
            client, queue = self._clients.popitem(last=False)
            while queue and queue[0].answer.done():  # given up
                queue.popleft()
            if queue:
                first = queue.popleft()
                if queue:
                    self._clients[client] = queue
                return first
        return None
