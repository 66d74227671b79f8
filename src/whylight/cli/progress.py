"""The progress of a run: how many are done, how many in a second, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from whylight.cli.printing import terminal
from whylight.runs.progress import Progress as RunProgress
from whylight.runs.progress import Standing


@contextmanager
def run_progress(name: str) -> Iterator[RunProgress]:
    """A bar that is told how far a run is."""
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")),
        *(TimeElapsedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=terminal()) as bar:
        task = bar.add_task(name, total=None, speed="")

        def advanced(standing: Standing) -> None:
            speed = f"{standing.per_second:.2f}/s" if standing.per_second else ""
            bar.update(task, completed=standing.done, total=standing.total, speed=speed)

        yield advanced
