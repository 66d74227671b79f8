"""A published table beside our own figures: how far every cell is off."""

from __future__ import annotations

from dataclasses import dataclass

from whylight.errors import WhylightError
from whylight.evaluation.estimates import Estimate
from whylight.evaluation.published import Cell, PublishedTable, figures_for
from whylight.evaluation.reproducing import Ran
from whylight.reports.summary import Summary, summarize, write_summary
from whylight.reports.tables import cell, markdown, markdown_table

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


def outcomes_of(table: PublishedTable, model: str, ran: Ran) -> list[Outcome]:
    """What became of a model's cells of a table; the run's summary is written into its folder."""
    cells = [one for one in table.cells if one.specification == model]
    if ran.folder is None:
        return [Outcome(one, None, ran.reason) for one in cells]
    try:
        summary = summarize(ran.folder)
    except WhylightError as error:
        return [Outcome(one, None, str(error)) for one in cells]
    write_summary(summary, markdown(summary, figures_for(table.benchmark, model)))
    return [_outcome(one, summary, ran) for one in cells]


def _outcome(published: Cell, summary: Summary, ran: Ran) -> Outcome:
    if published.method is None:
        return Outcome(published, None, "Whylight has no such method")
    if published.method in ran.left_out:
        return Outcome(published, None, ran.left_out[published.method])
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
