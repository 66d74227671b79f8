"""Who is next: clients in turn, a bound, and what is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from whylight.web import Limits
from whylight.web.line import Line
from whylight.web.refusal import Refusal


def apart(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """On a thread of its own: the browser's tests leave a running loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, run()).result()


def test_clients_take_turns() -> None:
    done: list[str] = []

    async def run() -> None:
        line, go = Line(Limits()), threading.Event()
        first = asyncio.create_task(line.do("first", go.wait))
        await asyncio.sleep(0.05)
        many = [asyncio.create_task(line.do("greedy", lambda n=n: done.append(f"greedy {n}"))) for n in range(5)]
        await asyncio.sleep(0.01)
        one = asyncio.create_task(line.do("modest", lambda: done.append("modest")))
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.gather(first, one, *many)

    apart(run)
    assert done[:2] == ["greedy 0", "modest"]
    assert done[2:] == ["greedy 1", "greedy 2", "greedy 3", "greedy 4"]


def test_a_full_line_says_when_to_come_back_and_given_up_work_is_not_done() -> None:
    done: list[int] = []

    async def run() -> None:
        line, go = Line(Limits(waiting=3, waiting_of_client=2)), threading.Event()
        tasks = [asyncio.create_task(line.do("first", go.wait))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(line.do("a", lambda n=n: done.append(n))) for n in range(2)]
        await asyncio.sleep(0.01)
        for client in ("a", "b", "b"):
            if client == "b" and line.waiting < 3:
                tasks.append(asyncio.create_task(line.do("b", lambda: done.append(7))))
                await asyncio.sleep(0.01)
                continue
            with pytest.raises(Refusal) as refused:
                await line.do(client, lambda: done.append(99))
            assert refused.value.status == 429
            assert refused.value.retry_after is not None
            assert refused.value.retry_after >= 1
        tasks[1].cancel()
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)

    apart(run)
    assert done == [1, 7]


def test_time_is_up() -> None:
    async def run() -> None:
        line, go = Line(Limits(seconds=0.05)), threading.Event()
        with pytest.raises(Refusal) as refused:
            await line.do("a", go.wait)
        assert refused.value.status == 503
        go.set()
        assert await line.do("a", lambda: 5) == 5

    apart(run)
