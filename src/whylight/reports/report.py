"""A report of one or many runs: ``report.md`` with tables, and pictures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.published import figures_for
from whylight.reports.plots import draw_classes, draw_curves, draw_figures, draw_sheet, save
from whylight.reports.summary import Summary, source_of
from whylight.reports.tables import markdown, ranked
from whylight.reports.text_plots import draw_words
from whylight.runs.files import make_folder, write_file


def write_report(summaries: Sequence[Summary], folder: Path, method: str | None = None, compare: bool = False) -> Path:
    """Write a report; pictures that need the data set are left out where it is no longer there.

    Args:
        method: whose classes and contact sheets are shown; by default each run's best.

    Returns:
        The path of ``report.md``.
    """
    make_folder(folder)
    parts = []
    for name, runs in _by_benchmark(summaries).items():
        drawn = save(draw_figures(runs), folder / f"{name}.png")
        parts.append(f"![{name}]({drawn.name if drawn else ''})\n")
        for number, summary in enumerate(runs):
            published = figures_for(name, summary.settings.model) if compare else {}
            parts.append(markdown(summary, published))
            for path in _pictures(summary, folder, f"{name}-{number}", method or _best(summary)):
                parts.append(f"![{path.stem}]({path.name})\n")
    path = folder / "report.md"
    write_file(path, "\n".join(parts))
    return path


def _pictures(summary: Summary, folder: Path, stem: str, method: str) -> list[Path]:
    drawn: list[Path | None] = []
    if summary.benchmark.protocol == "perturbation":
        drawn.append(save(draw_curves(summary), folder / f"{stem}-curves.png"))
    if summary.benchmark.protocol == "rationales":
        drawn.append(save(draw_words(summary), folder / f"{stem}-words.png"))
    drawn.append(save(draw_classes(summary, method), folder / f"{stem}-classes.png"))
    source = source_of(summary)
    if source is not None:
        for best, word in ((True, "best"), (False, "worst")):
            drawn.append(save(draw_sheet(summary, method, source, best=best), folder / f"{stem}-{word}.png"))
    return [path for path in drawn if path is not None]


def _by_benchmark(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    grouped: dict[str, list[Summary]] = {}
    for summary in summaries:
        grouped.setdefault(summary.settings.benchmark, []).append(summary)
    return grouped


def _best(summary: Summary) -> str:
    return next((line.method for line in ranked(summary) if line.method not in BASELINES), summary.lines[0].method)
