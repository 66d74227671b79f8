"""Pictures of a run: figures, classes, and the best and worst maps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from whylight.evaluation.benchmarks.points import class_ious
from whylight.evaluation.data.data_set import Source, Unusable
from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.pictures.figure import SMALLEST
from whylight.reports.summary import Summary, rows_of_method
from whylight.runs.files import write_file
from whylight.runs.store import read_rows

_SHEET = 8
_QUALITY = {
    "segmentation": "foreground_precision",
    "pointing": "share_inside",
    "grid-pointing": "share_inside",
}


def draw_figures(summaries: Sequence[Summary]) -> Figure:
    """The main figure of every method with its interval, one colour per run."""
    benchmark = summaries[0].benchmark
    best = {(x.method, x.explained): x.figures for s in reversed(summaries) for x in s.lines if x.figures}
    order = sorted(best, key=lambda key: float(best[key][benchmark.main_figure].value))
    figure = Figure(figsize=(7, 1.2 + 0.28 * len(order) * max(1, len(summaries) / 2)), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(summaries)
    for index, summary in enumerate(summaries):
        found = {(line.method, line.explained): line.figures for line in summary.lines if line.figures}
        places = [i for i, key in enumerate(order) if key in found]
        estimates = [found[order[i]][benchmark.main_figure] for i in places]
        values = np.array([float(e.value) for e in estimates])
        reach = np.array([[float(e.value - e.low) for e in estimates], [float(e.high - e.value) for e in estimates]])
        offset = (index - (len(summaries) - 1) / 2) * height
        where = np.array(places) + offset
        axes.barh(where, values, height, xerr=reach.clip(0), label=_label(summary), error_kw={"linewidth": 0.8})
    kinds = {explained for _, explained in order}
    axes.set_yticks(range(len(order)), [m if len(kinds) == 1 else f"{m} ({e})" for m, e in order], fontsize=SMALLEST)
    shown, unit = benchmark.figures_shown[benchmark.main_figure], benchmark.units.get(benchmark.main_figure, "%")
    axes.set_xlabel(shown if unit in shown else f"{shown}, {unit}")
    axes.set_title(summaries[0].settings.benchmark)
    axes.legend(fontsize=SMALLEST, loc="lower right")
    return figure


def draw_classes(summary: Summary, method: str, most: int = 40) -> Figure | None:
    """One bar for each class: IoU over points, or the mean of what rows hold; None where they hold no such thing."""
    explained = summary.settings.explained[0]
    if summary.benchmark.protocol == "points":
        by_class = class_ious(rows_of_method(summary.folder, method, explained, ["label", "found", "missed", "wrong"]))
    elif summary.benchmark.protocol in _QUALITY:
        column = _QUALITY[summary.benchmark.protocol]
        rows = rows_of_method(summary.folder, method, explained, ["label", column])
        values = rows[column].astype(float)
        by_class = {label: 100 * values[rows["label"] == label].mean() for label in np.unique(rows["label"])}
    else:
        return None
    shown = sorted(by_class.items(), key=lambda pair: pair[1])
    cut = "" if len(shown) <= most else f" (worst and best {most // 2} of {len(shown)})"
    shown = shown if len(shown) <= most else shown[: most // 2] + shown[-most // 2 :]
    figure = Figure(figsize=(7, 1 + 0.2 * len(shown)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shown)), [value for _, value in shown])
    axes.set_yticks(range(len(shown)), [label for label, _ in shown], fontsize=SMALLEST)
    axes.set_title(f"{method} per class{cut}, %", fontsize=10)
    return figure


def draw_sheet(summary: Summary, method: str, source: Source, *, best: bool) -> Figure | None:
    """The pictures with the best or worst maps of a method, map over picture; None for other protocols."""
    column = _QUALITY.get(summary.benchmark.protocol)
    if column is None:
        return None
    table = read_rows(summary.folder, ["picture", "label", "explained", "method", "skipped", "relevance", column])
    rows = [r for r in table.to_pylist() if r["method"] == method and r["skipped"] is None]
    rows = sorted(rows, key=lambda row: float(row[column]), reverse=best)[:_SHEET]
    numbers = {name: index for index, name in enumerate(source.names)}
    figure = Figure(figsize=(2.2 * _SHEET / 2, 5.2), layout="constrained")
    for axis, row in zip(figure.subplots(2, _SHEET // 2).flat, rows, strict=False):
        try:
            picture = source.read(numbers[row["picture"]]).picture.resize((224, 224))
        except (Unusable, KeyError):
            continue
        axis.imshow(np.asarray(picture))
        axis.imshow(map_of(row["relevance"], (224, 224)), cmap="turbo", alpha=0.5, vmin=0, vmax=1)
        axis.set_title(f"{row['label']}\n{100 * float(row[column]):.0f} %", fontsize=SMALLEST)
    for axis in figure.axes:
        axis.axis("off")
    kind = "best" if best else "worst"
    figure.suptitle(f"{kind} maps of {method} by {column.replace('_', ' ')}, {summary.settings.model}", fontsize=10)
    return figure


def save(figure: Figure | None, path: Path, colors: int | None = None) -> Path | None:
    """Write a figure, if there is one.

    Args:
        colors: at most so many, for a page of many pictures: a fifth of the bytes.
    """
    if figure is None:
        return None
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    if colors is not None:
        picture = Image.open(drawn).convert("RGB").quantize(colors)
        drawn = io.BytesIO()
        picture.save(drawn, format="png", optimize=True)
    write_file(path, drawn.getvalue())
    return path


def map_of(relevance: list[float], size: tuple[int, int]) -> Any:
    side = round(len(relevance) ** 0.5)
    maps = torch.tensor(relevance).reshape(1, side, side)
    return min_max_maps(enlarge(maps, size))[0].numpy()


def _label(summary: Summary) -> str:
    return summary.settings.model.split("/")[-1]
