"""A published table beside our own figures: what it needs, what is there, and how far every cell is off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from whylight.errors import WhylightError
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.estimates import Estimate
from whylight.evaluation.published import Cell, PublishedTable, figures_for
from whylight.reports.summary import Summary, summarize, write_summary
from whylight.reports.tables import cell, markdown, markdown_table
from whylight.runs.run import execute

CLOSE = 0.5
"""Percentage points within which a figure counts as reproduced even outside its interval."""


@dataclass(frozen=True)
class Outcome:
    """What became of one cell: the measured figure, or why there is none."""

    cell: Cell
    measured: Estimate | None
    reason: str = ""

    @property
    def mark(self) -> str:
        """ "reproduced", "off by" so many points, or "not run" with the reason."""
        if self.measured is None:
            return f"not run: {self.reason}"
        off = float(self.measured.value) - self.cell.value
        inside = float(self.measured.low) <= self.cell.value <= float(self.measured.high)
        return "reproduced" if inside or abs(off) <= CLOSE else f"off by {off:+.2f}"


def needs(table: PublishedTable) -> list[str]:
    """What must be there, one line each."""
    weights = [f"weights: {name}, {size}" for name, size in table.weights.items()]
    return [f"data: {table.data}", *weights]


def command(table: PublishedTable, model: str, methods: list[str], explained: str) -> str:
    """The command that measures a model's part of a table."""
    return (
        f"whylight benchmark {table.benchmark} --data PATH --model {model} --methods {','.join(methods)} "
        f"--explain {explained} --compare"
    )


def explained(table: PublishedTable) -> str:
    kinds = {one.explained for one in table.cells}
    return kinds.pop() if len(kinds) == 1 else "both"


def reproduce_table(
    table: PublishedTable,
    data: Path | None,
    folder: Path,
    *,
    places: Mapping[str, str],
    limit: int | None = None,
    batch_size: int = 16,
    workers: int = 0,
    device: str | None = None,
    only: str | None = None,
    note: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int, float], None] = lambda done, total, per_second: None,
) -> list[Outcome]:
    """Run what is there of a table; methods that cannot explain a model, and models that do not load, say why.

    Args:
        data: the data set; None: nothing is run.
        folder: one run for every model goes below it.
        places: the table's name of weights to another that is here (a local folder).
        only: this model of the table alone.
        note: told what is being done.
    """
    outcomes: list[Outcome] = []
    for model in table.models():
        cells = [one for one in table.cells if one.specification == model]
        if data is None or (only is not None and model != only):
            reason = "no data" if data is None else "not asked for"
            outcomes += [Outcome(one, None, reason) for one in cells]
            continue
        here = places.get(model, model)
        note(f"{table.name}: {here}")
        try:
            summary, reasons = _run(table, model, here, data, folder, limit, batch_size, workers, device, progress)
        except WhylightError as error:
            note(f"not run: {error}")
            outcomes += [Outcome(one, None, str(error)) for one in cells]
            continue
        outcomes += [_outcome(one, summary, reasons) for one in cells]
    return outcomes


def _run(
    table: PublishedTable,
    model: str,
    here: str,
    data: Path,
    folder: Path,
    limit: int | None,
    batch_size: int,
    workers: int,
    device: str | None,
    progress: Callable[[int, int, float], None],
) -> tuple[Summary, Mapping[str, str]]:
    wanted = Wanted(
        benchmark=table.benchmark,
        data=data,
        model=here,
        methods=",".join(table.methods(model)),
        explain=explained(table),
        limit=limit,
        batch_size=batch_size,
        device=device,
        leave_out=True,
    )
    planned = plan(wanted)
    place = folder / "".join(c if c.isalnum() or c in "-." else "-" for c in model)
    execute(planned, place, workers=workers, progress=progress)
    summary = summarize(place)
    write_summary(summary, markdown(summary, figures_for(table.benchmark, model)))
    return summary, planned.left_out


def _outcome(published: Cell, summary: Summary, reasons: Mapping[str, str]) -> Outcome:
    if published.method is None:
        return Outcome(published, None, "Whylight has no such method")
    if published.method in reasons:
        return Outcome(published, None, reasons[published.method])
    for line in summary.lines:
        if (line.method, line.explained) == (published.method, published.explained) and line.figures:
            return Outcome(published, line.figures[published.figure])
    return Outcome(published, None, "no picture could be used")


def outcome_table(table: PublishedTable, outcomes: list[Outcome]) -> str:
    """All cells in Markdown."""
    rows = [
        [
            outcome.cell.row,
            outcome.cell.model,
            f"{outcome.cell.figure} ({outcome.cell.explained})",
            f"{outcome.cell.value:.2f}",
            cell(outcome.measured),
            outcome.mark,
        ]
        for outcome in outcomes
    ]
    head = ["method", "model", "figure", "published", "measured", "outcome"]
    return f"## {table.title}\n\n{table.source}. {table.note}\n\n{markdown_table(head, rows)}"
