"""All methods on all protocols: ranks, quality against cost, where each fails, and published figures beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.ours import Job
from whylight.evaluation.published import published_names, published_table
from whylight.reports.ours_plots import draw_failures, draw_places, draw_quality_and_cost
from whylight.reports.plots import save
from whylight.reports.summary import Summary, summarize
from whylight.reports.tables import cell, markdown_table
from whylight.runs.files import make_folder, write_file

BEGIN, END = "<!-- ours: begin -->", "<!-- ours: end -->"
FEWEST = 10
"""Pictures of the reporting half that a figure needs for a place among the ranks."""
FEWEST_SHOWN = 3
"""Pictures of that half that a table needs."""
_SHORT = {"scenes": "scenes", "scenes-siglip": "siglip"}


@dataclass(frozen=True)
class Column:
    """One figure of one run, on the half that is reported.

    Attributes:
        name: of the figure in the run's benchmark.
        ranks: method to its place, 1 the best, methods that are level share one; baselines have none.
        chosen: the first on the other half.
    """

    summary: Summary
    name: str
    ranks: Mapping[str, int]
    chosen: str

    @property
    def head(self) -> str:
        benchmark = self.summary.benchmark
        arrow = "" if benchmark.higher_is_better(self.name) else " ↓"
        model = self.summary.settings.model
        return f"{_SHORT.get(model, 'ViT-tiny')}: {benchmark.protocol}, {benchmark.figures_shown[self.name]}{arrow}"


def columns_of(jobs: Iterable[Job]) -> list[Column]:
    """Every figure that is compared, of the runs that are there."""
    columns = []
    for job in jobs:
        if (job.folder / "rows").is_dir():
            reported, other = summarize(job.folder, "reporting"), summarize(job.folder, "choosing")
            for name in job.protocol.figures:
                chosen = next(iter(_places(other, name)), "")
                columns.append(Column(reported, name, _places(reported, name), chosen))
    return columns


def write_ours(columns: Sequence[Column], costs: Mapping[str, Mapping[str, float]], folder: Path) -> str:
    """The page in Markdown; its plots are written into ``folder``, under whose name the page finds them.

    Args:
        costs: of each model, forward passes by method.
    """
    make_folder(folder)
    ranked = [column for column in columns if column.summary.pictures >= FEWEST] or columns
    ranks = {method: mean_rank(ranked, method) for method in methods_of(ranked)}
    places = {method: [column.ranks.get(method) for column in ranked] for method in ranks}
    save(draw_places([column.head for column in ranked], places), folder / "ours-places.png", colors=256)
    parts = [
        "## Rank of every method on every protocol\n",
        f"![place of every method in every column]({folder.name}/ours-places.png)\n",
    ]
    parts += [ranks_table(ranked, costs), _explained(ranked)]
    save(draw_quality_and_cost(ranks, costs), folder / "ours-quality-and-cost.png")
    parts.append(f"![quality against cost]({folder.name}/ours-quality-and-cost.png)\n")
    for summary in _once(column.summary for column in columns):
        mine = [column for column in columns if column.summary is summary and column.ranks]
        if not mine or summary.pictures < FEWEST_SHOWN:  # or none of its few pictures has what it asks about
            continue
        parts.append(f"## {summary.settings.benchmark}, {_named(summary)}\n\n{figures_table(mine)}")
        drawn = save(draw_failures(summary), folder / f"ours-failures-{summary.folder.name}.png", colors=256)
        if drawn is not None:
            parts.append(f"![the map on which each method does worst]({folder.name}/{drawn.name})\n")
    parts.append(published_beside(columns))
    return "\n".join(parts)


def into_page(page: Path, text: str) -> None:
    """Put the text between the page's two marks; they go to its end where it has none."""
    before = page.read_text(encoding="utf-8") if page.exists() else ""
    if BEGIN not in before:
        before += f"# All methods on all protocols\n\n{BEGIN}\n{END}\n"
    head, tail = before[: before.index(BEGIN) + len(BEGIN)], before[before.index(END) :]
    write_file(page, f"{head}\n\n{text}\n{tail}")


def methods_of(columns: Sequence[Column]) -> list[str]:
    """All methods, the best mean rank first."""
    names = dict.fromkeys(method for column in columns for method in column.ranks)
    return sorted(names, key=lambda method: mean_rank(columns, method))


def mean_rank(columns: Sequence[Column], method: str) -> float:
    """Mean over columns that hold the method of the share of methods that are better, 0 to 1: columns hold more and
    fewer methods."""
    found = [(c.ranks[method] - 1) / max(len(c.ranks) - 1, 1) for c in columns if method in c.ranks]
    return sum(found) / len(found)


def ranks_table(columns: Sequence[Column], costs: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for method in methods_of(columns):
        cost = [f"{of_model[method]:.1f}" for of_model in costs.values() if method in of_model]
        ranks = [str(column.ranks.get(method, "-")) for column in columns]
        rows.append([f"`{method}`", f"{100 * mean_rank(columns, method):.0f}", " / ".join(cost) or "-", *ranks])
    chosen = ["*first on the choosing half*", "", "", *(f"`{column.chosen}`" for column in columns)]
    head = ["method", "better ones, %", "forward passes", *(column.head for column in columns)]
    return markdown_table(head, [*rows, chosen])


def figures_table(columns: Sequence[Column]) -> str:
    """Figures of one run with their intervals; baselines last."""
    lines = {line.method: line.figures for line in columns[0].summary.lines if line.figures}
    order = [*columns[0].ranks, *(name for name in BASELINES if name in lines)]
    benchmark = columns[0].summary.benchmark
    rows = [[f"`{method}`", *(cell(lines[method].get(column.name)) for column in columns)] for method in order]
    heads = (
        benchmark.figures_shown[column.name] + ("" if benchmark.higher_is_better(column.name) else " ↓")
        for column in columns
    )
    return markdown_table(["method", *heads], rows) + f"\n{_caption(columns[0].summary)}\n"


def published_beside(columns: Sequence[Column]) -> str:
    """Published figures of protocols that were measured here: of other models and pictures, so no more than beside."""
    here = {column.summary.benchmark.protocol for column in columns}
    from whylight.evaluation.benchmarks.catalog import find_benchmark

    rows = []
    for name in published_names():
        table = published_table(name)
        if find_benchmark(table.benchmark).protocol().protocol in here:
            rows += [
                [one.row, one.model, f"{one.figure} ({one.explained})", f"{one.value:g}", table.source]
                for one in table.cells
            ]
    head = ["method", "model", "figure", "published", "source"]
    return f"## Published, of other models and pictures\n\n{markdown_table(head, rows)}"


def _places(summary: Summary, figure: str) -> dict[str, int]:
    """Methods, the best first, and how many are better than each, plus one; baselines are none."""
    sign = -1 if summary.benchmark.higher_is_better(figure) else 1
    found = {line.method: line.figures[figure] for line in summary.lines if line.figures}
    values = {m: sign * float(e.value) for m, e in found.items() if m not in BASELINES}
    known = {m: value for m, value in values.items() if value == value}
    return {m: 1 + sum(other < known[m] for other in known.values()) for m in sorted(known, key=known.__getitem__)}


def _caption(summary: Summary) -> str:
    pictures = f"{summary.pictures} {summary.benchmark.measured_on} of {summary.settings.data['name']}"
    return f"{pictures}, {summary.only}; 95 % bootstrap intervals."


def _explained(columns: Sequence[Column]) -> str:
    return (
        "Numbers are places among all methods, 1 the best, level ones sharing one, on the reporting half of each set's "
        "pictures (the halves follow from their names); the last row names the first on the other, the choosing half. "
        f"*Better ones*: the mean over the {len(columns)} columns of the share of methods that are better. Protocols "
        f"of which fewer than {FEWEST} pictures are reported have a table below and no column, of fewer than "
        f"{FEWEST_SHOWN} neither.\n"
    )


def _named(summary: Summary) -> str:
    return _SHORT.get(summary.settings.model, "ViT-tiny")


def _once(summaries: Iterable[Summary]) -> list[Summary]:
    return list({id(summary): summary for summary in summaries}.values())
