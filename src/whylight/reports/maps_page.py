"""The page of a run of maps: one HTML file with its pictures inside, and no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from whylight.evaluation.estimates import Estimate
from whylight.pictures.page import escape, figure, inlined, page, table
from whylight.reports.map_run import MapRun
from whylight.reports.maps_audit import FIGURES, Line
from whylight.runs.files import write_result


def write_page(
    run: MapRun, method: str, tables: Mapping[str, Sequence[Line]], figures: Sequence[Path], path: Path
) -> Path:
    """Write the page.

    Returns:
        Its path.

    Raises:
        BadInput: it cannot be written.
    """
    title = f"{run.settings.model}, {method}"
    counts = [(name, f"{count:,}") for name, count in run.statuses.most_common()]
    parts = [f"<h1>{escape(title)}</h1>", table(("status", "pictures"), counts)]
    parts += [_table(name, lines) for name, lines in tables.items()]
    for drawn in figures:
        name = drawn.stem.replace("-", " ")
        parts.append(f'<h2>{escape(name)}</h2><div class="plots">{figure(inlined(drawn.read_bytes()), name)}</div>')
    return write_result(path, page(title, "\n".join(parts)))


def _table(name: str, lines: Sequence[Line]) -> str:
    rows = [(line.name, f"{line.pictures:,}", *(_interval(line.figures[each]) for each in FIGURES)) for line in lines]
    note = "Means over rows, with 95 % intervals over pictures. The area inside is what looking anywhere would give."
    shown = table(("", "pictures", *FIGURES.values()), rows)
    return f"<h2>Where the model looks, {escape(name)}</h2>{shown}<p>{note}</p>"


def _interval(estimate: Estimate) -> str:
    return f"{float(estimate.value):.1f} [{float(estimate.low):.1f}, {float(estimate.high):.1f}]"
