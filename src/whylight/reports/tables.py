"""Figures as tables: on the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.estimates import Estimate
from whylight.reports.summary import Line, Summary

Published = Mapping[tuple[str, str, str], float]
"""(method label, explained class, figure) to a published value."""


def ranked(summary: Summary) -> list[Line]:
    """Lines by their main figure, the best first."""
    main = summary.benchmark.main_figure
    sign = 1 if main in summary.benchmark.lower_is_better else -1

    def key(line: Line) -> tuple[str, float]:
        return line.explained, sign * float(line.figures[main].value) if line.figures else float("inf")

    return sorted(summary.lines, key=key)


def cell(estimate: Estimate | None, digits: int | None = 2) -> str:
    """A figure with its 95 % interval; without it where there is no number of digits."""
    if estimate is None:
        return "-"
    if digits is None:
        return f"{float(estimate.value):.1f}"
    value, low, high = (f"{float(number):.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def headings(summary: Summary) -> list[str]:
    shown = summary.benchmark.figures_shown
    arrows = {name: " ↓" if name in summary.benchmark.lower_is_better else "" for name in shown}
    figures = (f"{text}{arrows[name]}" for name, text in shown.items())
    return ["method", "explained", *figures, summary.benchmark.explained_as]


def cells(summary: Summary, line: Line, published: Published, digits: int | None = 2) -> list[str]:
    """One row of a table; a published figure stands beside the measured one."""
    texts = [line.method, line.explained]
    for name in summary.benchmark.figures_shown:
        known = published.get((line.method, line.explained, name))
        texts.append(cell(line.figures.get(name), digits) + (f" (published {known:g})" if known is not None else ""))
    missing = f" ({line.missing} not finite)" if line.missing else ""
    return [*texts, f"{line.rows}{missing}"]


def terminal_table(summary: Summary, published: Published, width: int) -> Table:
    """A table for a terminal of so many columns; a narrow one has no room for the intervals."""
    heads = headings(summary)
    wide = width >= 24 * len(heads)
    text = caption(summary) if wide else f"{caption(summary)} Intervals: summary.md"
    table = Table(title=title(summary), caption=text, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    kept = [i for i in range(len(heads)) if wide or i != 1 or len(summary.settings.explained) > 1]
    for index in kept:
        heading = heads[index] if wide else heads[index].replace(" ", "\n")
        table.add_column(heading, justify="left" if index < 2 else "right", no_wrap=True)
    for line in ranked(summary):
        texts = cells(summary, line, published, digits=1 if wide else None)
        table.add_row(*(texts[index] for index in kept), style="dim" if line.method in BASELINES else None)
    return table


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def markdown(summary: Summary, published: Published) -> str:
    """Title, table and what it is made of."""
    rows = [cells(summary, line, published) for line in ranked(summary)]
    whole = f"# {title(summary)}\n\n{markdown_table(headings(summary), rows)}\n{caption(summary)}\n"
    return "\n".join([whole, *class_tables(summary)])


def class_tables(summary: Summary) -> list[str]:
    """The main figure of each class by each method, and the mean over classes: one table for each explained class."""
    tables = []
    for explained in summary.settings.explained:
        lines = [line for line in ranked(summary) if line.explained == explained and line.by_class]
        if not lines:
            continue
        names = sorted({name for line in lines for name in line.by_class})
        values = [[line.by_class.get(name) for line in lines] for name in names]
        means = [sum(line.by_class.values()) / len(line.by_class) for line in lines]
        rows = [[name, *(_short(value) for value in row)] for name, row in zip(names, values, strict=True)]
        rows.append(["mean over them", *map(_short, means)])
        figure, grouped = summary.benchmark.figures_shown[summary.benchmark.main_figure], summary.benchmark.grouped_as
        head = [grouped, *(line.method for line in lines)]
        tables.append(f"{figure}, %, of each {grouped} ({explained}):\n\n{markdown_table(head, rows)}")
    return tables


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def title(summary: Summary) -> str:
    return f"{summary.settings.benchmark}, {summary.settings.model}"


def caption(summary: Summary) -> str:
    """What the figures are made of: data, pictures, what is left out and what is not there yet."""
    data = f"{summary.pictures} {summary.benchmark.measured_on} of {summary.settings.data['name']}"
    data += f", {summary.only}" if summary.only else ""
    parts = [data, "percent, 95 % bootstrap intervals"]
    parts += [f"skipped {count}: {reason}" for reason, count in summary.skipped.items()]
    if summary.shards[0] < summary.shards[1]:
        parts.append(f"unfinished: {summary.shards[0]} of {summary.shards[1]} shards")
    return "; ".join(parts) + "."
