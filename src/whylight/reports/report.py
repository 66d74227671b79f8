"""A report of one or many runs: ``report.md`` with tables and pictures beside it, or all of it in one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.published import figures_for
from whylight.pictures.figure import png
from whylight.pictures.page import escape, figure, inlined, page, table
from whylight.reports.curves import draw_curves
from whylight.reports.plots import draw_classes, draw_figures, draw_sheet, save
from whylight.reports.summary import Summary, source_of
from whylight.reports.tables import Published, caption, cells, headings, markdown, ranked, title
from whylight.reports.text_plots import draw_words
from whylight.runs.files import make_folder, write_file, write_result

Part = tuple[Summary | None, Published, list[tuple[str, Figure]]]
"""A run (None: all runs of a benchmark together) with published figures, and its pictures by name."""


def write_report(summaries: Sequence[Summary], folder: Path, method: str | None = None, compare: bool = False) -> Path:
    """Write a report; pictures that need the data set are left out where it is no longer there.

    Args:
        method: whose classes and contact sheets are shown; by default each run's best.

    Returns:
        The path of ``report.md``.
    """
    make_folder(folder)
    parts = []
    for summary, published, drawn in _parts(summaries, method, compare):
        if summary is not None:
            parts.append(markdown(summary, published))
        for name, one in drawn:
            save(one, folder / f"{name}.png")
            parts.append(f"![{name.replace('-', ' ')}]({name}.png)\n")
    path = folder / "report.md"
    write_file(path, "\n".join(parts))
    return path


def write_report_page(
    summaries: Sequence[Summary], path: Path, method: str | None = None, compare: bool = False
) -> Path:
    """Write the same as one self-contained page; folders on the way are made.

    Raises:
        BadInput: it cannot be written.
    """
    heading = ", ".join(dict.fromkeys(summary.settings.benchmark for summary in summaries))
    body = [f"<h1>{escape(heading)}</h1>"]
    for summary, published, drawn in _parts(summaries, method, compare):
        if summary is not None:
            body.append(f"<h2>{escape(title(summary))}</h2>")
            body.append(table(headings(summary), [cells(summary, line, published) for line in ranked(summary)]))
            body.append(f'<p class="about">{escape(caption(summary))}</p>')
        pictures = (figure(inlined(png(one)), name.replace("-", " ")) for name, one in drawn)
        body.append(f'<div class="plots">{"".join(pictures)}</div>')
    return write_result(path, page(heading, "\n".join(body)))


def _parts(summaries: Sequence[Summary], method: str | None, compare: bool) -> Iterator[Part]:
    for name, runs in _by_benchmark(summaries).items():
        yield None, {}, [(name, draw_figures(runs))]
        for number, summary in enumerate(runs):
            published = figures_for(name, summary.settings.model) if compare else {}
            yield summary, published, _pictures(summary, f"{name}-{number}", method or _best(summary))


def _pictures(summary: Summary, stem: str, method: str) -> list[tuple[str, Figure]]:
    drawn: list[tuple[str, Figure | None]] = []
    drawn.append(("curves", draw_curves(summary)))
    if summary.benchmark.protocol == "rationales":
        drawn.append(("words", draw_words(summary)))
    drawn.append(("classes", draw_classes(summary, method)))
    source = source_of(summary)
    if source is not None:
        for best, word in ((True, "best"), (False, "worst")):
            drawn.append((word, draw_sheet(summary, method, source, best=best)))
    return [(f"{stem}-{name}", one) for name, one in drawn if one is not None]


def _by_benchmark(summaries: Sequence[Summary]) -> dict[str, list[Summary]]:
    grouped: dict[str, list[Summary]] = {}
    for summary in summaries:
        grouped.setdefault(summary.settings.benchmark, []).append(summary)
    return grouped


def _best(summary: Summary) -> str:
    return next((line.method for line in ranked(summary) if line.method not in BASELINES), summary.lines[0].method)
