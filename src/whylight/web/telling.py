"""What work on a model's thread tells the client that waits for it, line by line."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from whylight.web.refusal import Refusal, status_and_code

Answer = TypeVar("Answer")
Tell = Callable[[dict[str, Any]], None]


class Gone(Exception):
    """Nobody listens any more: raised inside the work, which ends there."""


class Telling:
    """A way from one thread, which calls it with what it has to tell, to the event loop that it was made on."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = threading.Event()

    def __call__(self, line: dict[str, Any]) -> None:
        """Tell it. From the model's thread.

        Raises:
            Gone: nobody listens any more.
        """
        if self._gone.is_set():
            raise Gone
        self._loop.call_soon_threadsafe(self._told.put_nowait, as_line(line))

    def end(self, _: Any = None) -> None:
        """Nothing more will be told."""
        self._told.put_nowait(None)

    def give_up(self) -> None:
        """Nobody listens any more: the next word that is told ends the work."""
        self._gone.set()

    async def next(self) -> bytes | None:
        """The next line, None at the end."""
        return await self._told.get()

    async def lines(self, line: bytes | None, asked: asyncio.Future[Any]) -> AsyncIterator[bytes]:
        """All lines from this one on, and why the work failed, if it did."""
        while line is not None:
            yield line
            line = await self.next()
        if (error := asked.exception()) is not None:
            status, code = status_and_code(error)
            yield as_line({"error": " ".join(str(error).split()), "code": code, "status": status})


class Told(StreamingResponse):
    """What is told, sent as it comes. However the response ends, the work ends with it."""

    def __init__(self, telling: Telling, first: bytes | None, asked: asyncio.Future[Any]) -> None:
        super().__init__(telling.lines(first, asked), media_type="application/x-ndjson")
        self._telling, self._asked = telling, asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._telling.give_up()
            self._asked.cancel()


def as_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


async def unless_gone(request: Request, awaited: asyncio.Future[Answer]) -> Answer:
    """What is awaited, as long as the client is there.

    Raises:
        Refusal: the client has gone.
    """
    gone = asyncio.ensure_future(_gone(request))
    try:
        both: set[asyncio.Future[Any]] = {awaited, gone}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            raise Refusal(499, "gone", "the client has gone")
        return awaited.result()
    finally:
        awaited.cancel()
        gone.cancel()


async def _gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.1)
