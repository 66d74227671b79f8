"""The progress of a run: how many are done, how many in a second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def run_progress(console: Console, name: str) -> Iterator[Callable[[int, int, float], None]]:
    """A bar that is told how many pictures or documents are done, how many there are, and how many in a second."""
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(name, total=None, speed="")

        def advanced(done: int, total: int, per_second: float) -> None:
            bar.update(task, completed=done, total=total, speed=f"{per_second:.2f}/s" if per_second else "")

        yield advanced
