"""What ``whylight run`` says: a line before, a bar or a line every 30 seconds meanwhile, a line after."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from functools import partial
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from whylight.cli.printing import terminal
from whylight.runs.inputs.listing import InputShards
from whylight.runs.plan import Plan
from whylight.runs.progress import Progress as Listener
from whylight.runs.progress import Standing

_EVERY = 30
"""Seconds between two lines where nobody watches a bar."""


@contextmanager
def told(plan: Plan, out: str, finished: frozenset[int], *, again: frozenset[int], as_json: bool) -> Iterator[Listener]:
    """Say what a run is about to do, give what tells how far it is, and say what came of it.

    Args:
        finished: shards that are stored.
    """
    console, events = terminal(stderr=True), sys.stdout
    last = [Standing(0, 0)]
    say = partial(_event, events if as_json else None, console)
    say("begin", **_beginning(plan, out, finished, again))
    # Whatever engines print is no event.
    with _listener(console, say, as_json) as listener, redirect_stdout(sys.stderr):

        def keep(standing: Standing) -> None:
            last[0] = standing
            listener(standing)

        yield keep
    say("end", line=f"{_line(last[0])}: {out}", out=out, **asdict(last[0]))


def _beginning(plan: Plan, out: str, finished: frozenset[int], again: frozenset[int]) -> dict[str, object]:
    shards = plan.shards
    assert isinstance(shards, InputShards)
    numbers = shards.numbers
    done = finished.intersection(numbers) - again
    pictures, there = (sum(shards.size(n) for n in some) for some in (numbers, done))
    about = "" if shards.counted else "about "
    kept = "no picture" if not there else f"{about}{there:,} pictures in {len(done):,} shards"
    failed = " that failed" if again else ""
    line = (
        f"{len(numbers):,} shards, {about}{pictures:,} pictures{failed}; {kept} done already; rows go to {out}/rows, "
        "one Parquet file for each shard"
    )
    return {"line": line, "shards": len(numbers), "pictures": pictures, "done": there, "out": out}


@contextmanager
def _listener(console: Console, say: Callable[..., None], as_json: bool) -> Iterator[Listener]:
    if as_json or not console.is_terminal:
        yield _Lines(say, as_json)
        return
    columns = (
        *(BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None, said="")
        workers: dict[str, object] = {}

        def listener(standing: Standing) -> None:
            said = f"{standing.failed} failed, {standing.per_second:.1f}/s"
            bar.update(task, completed=standing.done, total=standing.total, said=said)
            for name, done in standing.workers.items():
                if name not in workers:
                    workers[name] = bar.add_task(name, total=None, said=name)
                bar.update(workers[name], completed=done, said=name)  # type: ignore[arg-type]

        yield listener


class _Lines:
    """A line every 30 seconds, or a JSON object for every step."""

    def __init__(self, say: Callable[..., None], as_json: bool) -> None:
        self._say, self._json, self._last = say, as_json, time.monotonic()

    def __call__(self, standing: Standing) -> None:
        if self._json:
            self._say("progress", **asdict(standing))
        elif time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self._say("progress", line=_line(standing))


def _line(standing: Standing) -> str:
    left = (standing.total - standing.done) / standing.per_second if standing.per_second else 0
    time_left = f", {_duration(left)} left" if left else ""
    workers = "".join(f", {name}: {done:,}" for name, done in standing.workers.items())
    return (
        f"{standing.done:,} of {standing.total:,} pictures done, {standing.failed:,} failed, "
        f"{standing.per_second:.1f} a second{time_left}{workers}"
    )


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _event(events: TextIO | None, console: Console, event: str, **facts: object) -> None:
    if events is not None:
        print(json.dumps({"event": event} | facts), file=events, flush=True)
    elif "line" in facts:
        sys.stdout.flush()
        console.print(facts["line"], soft_wrap=True)
