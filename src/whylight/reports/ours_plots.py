"""Plots of the page of all methods: places on every protocol, quality against cost, each method's worst maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from whylight.evaluation.data.data_set import Unusable
from whylight.reports.plots import map_of
from whylight.reports.summary import Summary, half_of, source_of
from whylight.runs.store import read_rows

_COLUMNS = 8
_WORST = "foreground_precision"


def draw_places(heads: Sequence[str], places: Mapping[str, Sequence[int | None]]) -> Figure:
    """Every method's place in every column, the lighter the fewer are better; columns of one run stand together.

    Args:
        heads: of the columns, "run: protocol, figure".
        places: method to its place in each column, from 1; None where it was not run.
    """
    numbers = np.array([[np.nan if place is None else place for place in row] for row in places.values()])
    better = (numbers - 1) / np.nanmax(numbers - 1, axis=0, initial=1)
    figure = Figure(figsize=(3.4 + 0.3 * len(heads), 2.6 + 0.23 * len(places)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(better, cmap="viridis_r", aspect="auto", vmin=0, vmax=1)
    for row, column in np.argwhere(np.isfinite(numbers)):
        place, color = f"{numbers[row, column]:.0f}", "black" if better[row, column] < 0.6 else "white"
        axes.text(column, row, place, ha="center", va="center", fontsize=8, color=color)
    axes.set_yticks(range(len(places)), [name.replace(":smooth=true", " + smooth") for name in places], fontsize=8)
    axes.set_xticks(range(len(heads)), heads, fontsize=8, rotation=90)
    axes.xaxis.tick_top()
    runs = [head.partition(",")[0] for head in heads]
    for column in range(1, len(heads)):
        if runs[column] != runs[column - 1]:
            axes.axvline(column - 0.5, color="white", linewidth=3)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def draw_quality_and_cost(ranks: Mapping[str, float], costs: Mapping[str, Mapping[str, float]]) -> Figure:
    """Share of methods that are better against forward passes; the line joins those that none beats in both."""
    points = {
        method: (float(np.exp(np.mean([np.log(of[method]) for of in costs.values() if method in of]))), 100 * rank)
        for method, rank in ranks.items()
        if any(method in of for of in costs.values())
    }
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    axes = figure.subplots()
    best = [m for m, own in points.items() if not any(_beats(other, own) for other in points.values())]
    best.sort(key=lambda method: points[method])
    for method, (cost, rank) in points.items():
        name, plus, _ = method.partition(":smooth=true")
        axes.plot(cost, rank, "s" if plus else "o", color="C1" if plus else "C0", markersize=5)
        weight = "bold" if method in best else "normal"
        axes.annotate(name, (cost, rank), (4, 3), textcoords="offset points", fontsize=8, fontweight=weight)
    axes.plot([points[m][0] for m in best], [points[m][1] for m in best], color="0.6", linewidth=1, zorder=0)
    axes.set_xscale("log")
    costs_here = [cost for cost, _ in points.values()]
    axes.set_xlim(0.9 * min(costs_here), 1.6 * max(costs_here))
    ticks = [tick for tick in (1, 1.5, 2, 3, 5, 10, 20, 50, 100) if min(costs_here) <= tick <= max(costs_here)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.plot([], [], "o", color="C0", label="as published")
    axes.plot([], [], "s", color="C1", label="smooth=True")
    axes.legend(fontsize=8, loc="lower right")
    axes.invert_yaxis()
    axes.set_xlabel("cost of one map, forward passes of the bundled models (CPU)")
    axes.set_ylabel("methods that are better, mean over protocols, % (upwards is better)")
    axes.grid(alpha=0.2)
    return figure


def draw_failures(summary: Summary) -> Figure | None:
    """For each method, the picture with its worst map of the half that is reported; None for other protocols."""
    source = source_of(summary)
    if _WORST not in summary.benchmark.columns or source is None:
        return None
    worst = _worst(summary)
    numbers = {name: index for index, name in enumerate(source.names)}
    rows = -(-len(worst) // _COLUMNS)
    figure = Figure(figsize=(1.75 * _COLUMNS, 2.25 * rows), layout="constrained")
    for axis, (method, row) in zip(figure.subplots(rows, _COLUMNS, squeeze=False).flat, worst.items(), strict=False):
        try:
            picture = source.read(numbers[row["picture"]]).picture.resize((224, 224))
        except (Unusable, KeyError):
            continue
        axis.imshow(np.asarray(picture.convert("L")), cmap="gray")
        axis.imshow(map_of(row["relevance"], (224, 224)), cmap="turbo", alpha=0.55, vmin=0, vmax=1)
        name = method.replace(":smooth=true", "\n+smooth")
        axis.set_title(f"{name}\n{row['label']}: AP {100 * row[_WORST]:.0f}", fontsize=8)
    for axis in figure.axes:
        axis.axis("off")
    return figure


def _worst(summary: Summary) -> dict[str, dict[str, Any]]:
    """Of each method, the row with the least foreground precision."""
    found: dict[str, dict[str, Any]] = {}
    table = read_rows(summary.folder, ["picture", "label", "method", "skipped", "relevance", _WORST])
    for row in table.to_pylist():
        if row["method"] is None or row["skipped"] is not None or f"the {half_of(row['picture'])} half" != summary.only:
            continue
        if row["method"] not in found or row[_WORST] < found[row["method"]][_WORST]:
            found[row["method"]] = row
    return found


def _beats(other: tuple[float, float], own: tuple[float, float]) -> bool:
    return other != own and other[0] <= own[0] and other[1] <= own[1]
