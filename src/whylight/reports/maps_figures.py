"""Pictures of a run of maps: histograms of scores, contact sheets, bars of where the model looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from whylight.pictures.explanation import Explanation
from whylight.pictures.figure import SMALLEST
from whylight.reports.maps_audit import Line

_TARGETS, _COLUMNS, _BARS = 8, 4, 30


def draw_scores(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[np.int64], name: str) -> Figure | None:
    """How often each score occurs, for the targets that have most rows."""
    if not len(rows):
        return None
    targets, counts = np.unique(columns["target"][rows].astype(str), return_counts=True)
    shown = targets[np.argsort(-counts, kind="stable")][:_TARGETS]
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    many = max(8, min(40, round(len(rows) ** 0.5)))
    bins = np.histogram_bin_edges(columns["score"][rows].astype(float), many)
    for target in shown:
        own = columns["score"][rows[columns["target"][rows] == target]].astype(float)
        axes.hist(own, bins.tolist(), histtype="step", linewidth=1.4, label=f"{target} ({len(own):,})")
    axes.set_xlabel(name)
    axes.set_ylabel("pictures")
    axes.legend(
        fontsize=SMALLEST, title=None if len(shown) == len(targets) else f"{len(shown)} of {len(targets)} targets"
    )
    return figure


def draw_map_sheet(cells: Sequence[tuple[Explanation, str]], title: str) -> Figure | None:
    """Maps over their pictures, each with its caption."""
    if not cells:
        return None
    lines = -(-len(cells) // _COLUMNS)
    figure = Figure(figsize=(2.5 * _COLUMNS, 3.1 * lines + 0.4), layout="constrained")
    for axis, (shown, caption) in zip(figure.subplots(lines, _COLUMNS, squeeze=False).flat, cells, strict=False):
        axis.imshow(np.asarray(shown.reduced(320).overlay()))
        axis.set_title(caption, fontsize=SMALLEST)
    for axis in figure.axes:
        axis.axis("off")
    figure.suptitle(title, fontsize=11)
    return figure


def draw_audit(lines: Sequence[Line], title: str) -> Figure | None:
    """The share of relevance inside with its interval, and the share of area that is inside, which is chance."""
    if not lines:
        return None
    shown = lines[:_BARS]
    figure = Figure(figsize=(7, 1.2 + 0.3 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(shown))[::-1]
    values = np.array([float(line.figures["inside"].value) for line in shown])
    low = np.array([float(line.figures["inside"].low) for line in shown])
    high = np.array([float(line.figures["inside"].high) for line in shown])
    axes.barh(places, values, xerr=np.stack([values - low, high - values]).clip(0), error_kw={"linewidth": 0.8})
    area = [float(line.figures["area"].value) for line in shown]
    axes.plot(area, places, "k|", markersize=12, label="area inside (chance)")
    axes.set_yticks(places, [f"{line.name} ({line.pictures:,})" for line in shown], fontsize=SMALLEST)
    axes.set_xlabel("relevance inside, %")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=SMALLEST)
    return figure
