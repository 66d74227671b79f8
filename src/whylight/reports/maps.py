"""A report of a run of maps: what became of the pictures, scores, where the model looks, sheets, and a page of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from whylight.errors import BadInput
from whylight.reports.map_run import MapRun
from whylight.reports.maps_audit import Line, audit
from whylight.reports.maps_figures import draw_audit, draw_map_sheet, draw_scores
from whylight.reports.maps_page import write_page
from whylight.reports.plots import save
from whylight.runs.files import make_folder

_SHEET = 12


def write_map_report(
    run: MapRun, out: Path, *, method: str | None = None, group_by: str | None = None, page: Path | None = None
) -> Path:
    """Write tables, histograms, contact sheets and ``index.html``; pictures that are no longer there are grey.

    Args:
        method: whose maps are shown; default: the first.
        group_by: a column that the run kept, whose values are compared.
        page: where the page is written; default: ``index.html`` among the figures.

    Raises:
        BadInput: no such method or column.
    """
    method = method or next(iter(run.settings.methods))
    if method not in run.settings.methods:
        raise BadInput(f"{run.folder} has no method {method!r}: {', '.join(run.settings.methods)}")
    if group_by is not None and group_by not in run.settings.keep:
        kept = ", ".join(run.settings.keep) or "none"
        raise BadInput(f"{run.folder} kept no column {group_by!r} (kept: {kept}): whylight run --keep {group_by}")
    make_folder(out)
    chosen = run.of_method(method)
    tables: dict[str, list[Line]] = {}
    figures = [save(draw_scores(run.columns, chosen, run.settings.score_name), out / "scores.png")]
    if run.audited and len(chosen):
        tables["by target"] = audit(run.columns, chosen, "target")
        if group_by is not None:
            tables[f"by {group_by}"] = audit(run.columns, chosen, group_by)
        for name, lines in tables.items():
            figures.append(save(draw_audit(lines, name), out / f"{name.replace(' ', '-')}.png"))
    sheets = _sheets(run, chosen)
    for name, indices in sheets.items():
        cells = [(shown, _caption(run, index)) for index in indices if (shown := run.shown(index)) is not None]
        figures.append(save(draw_map_sheet(cells, name), out / f"{name.replace(' ', '-')}.png"))
    return write_page(run, method, tables, [path for path in figures if path is not None], page or out / "index.html")


def _sheets(run: MapRun, chosen: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    by_score = chosen[np.argsort(-run.columns["score"][chosen], kind="stable")]
    sheets = {"highest scores": by_score[:_SHEET], "lowest scores": by_score[::-1][:_SHEET]}
    if run.audited:
        sheets["right for the wrong reason"] = wrong_reasons(run, chosen)[:_SHEET]
    return {name: indices for name, indices in sheets.items() if len(indices)}


def wrong_reasons(run: MapRun, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of the rows whose score is at least the middle one of its target: those that look elsewhere, furthest first."""
    columns = run.columns
    measured = chosen[~np.isnan(columns["inside"][chosen].astype(float))]
    kept = []
    for target in dict.fromkeys(columns["target"][measured]):
        rows = measured[columns["target"][measured] == target]
        kept.append(rows[columns["score"][rows] >= np.median(columns["score"][rows])])
    high = np.concatenate(kept) if kept else measured
    excess = columns["inside"][high].astype(float) - columns["area"][high].astype(float)
    ordered: npt.NDArray[np.int64] = high[np.argsort(excess, kind="stable")]
    return ordered


def _caption(run: MapRun, index: int) -> str:
    columns = run.columns
    name = str(columns["key"][index]).rpartition("/")[2]
    said = f"{name}\n{columns['target'][index]}: {columns['score'][index]:.3f}"
    if run.audited and not np.isnan(float(columns["inside"][index])):
        said += f"\n{100 * columns['inside'][index]:.0f} % inside ({100 * columns['area'][index]:.0f} % of the area)"
    return said
