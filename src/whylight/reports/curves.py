"""Curves of a run: what happens to every method's figure as more is erased, or made random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from whylight.evaluation.baselines import BASELINES
from whylight.pictures.figure import SMALLEST
from whylight.reports.summary import Summary


@dataclass(frozen=True)
class Curves:
    """What a protocol's curves are.

    Attributes:
        panels: figures that are curves, and what stands above each.
        across, up: what the axes are.
        ends: the first and the last place on the axis across.
    """

    panels: dict[str, str]
    across: str
    up: str
    ends: tuple[float, float]


_OF_PROTOCOL = {
    "perturbation": Curves(
        {"positive_curve": "most relevant first (lower is better)", "negative_curve": "least relevant first"},
        "erased, % of pixels",
        "accuracy, %",
        (0, 90),
    ),
    "faithfulness": Curves(
        {"most_curve": "most relevant first (lower is better)", "least_curve": "least relevant first"},
        "erased, % of patches",
        "logit of the explained class",
        (0, 100),
    ),
    "randomized": Curves(
        {"correlation_curve": "from the last block to the first (lower is better)"},
        "random blocks, %",
        "rank correlation with the map of the trained model, %",
        (0, 100),
    ),
}


def draw_curves(summary: Summary) -> Figure | None:
    """The curves of every method with their intervals; None where the protocol has none."""
    curves = _OF_PROTOCOL.get(summary.benchmark.protocol)
    explained = summary.settings.explained[-1]
    lines = [line for line in summary.lines if line.explained == explained and line.figures]
    if curves is None or not lines:
        return None
    figure = Figure(figsize=(4 + 4 * len(curves.panels), 4), layout="constrained")
    axes = figure.subplots(1, len(curves.panels), sharey=True, squeeze=False)[0]
    for axis, (name, text) in zip(axes, curves.panels.items(), strict=True):
        for index, line in enumerate(lines):
            curve, style = line.figures[name], _style(line.method, index)
            count = len(curve.value)
            # What is random begins with the first block, what is erased with nothing.
            first = curves.ends[1] / count if summary.benchmark.protocol == "randomized" else curves.ends[0]
            places = np.linspace(first, curves.ends[1], count)
            axis.plot(places, curve.value, label=line.method, **style)
            axis.fill_between(places, curve.low, curve.high, color=style["color"], alpha=0.08, linewidth=0)
        axis.set_title(text, fontsize=10)
        axis.set_xlabel(curves.across)
    axes[0].set_ylabel(curves.up)
    figure.legend(*axes[0].get_legend_handles_labels(), fontsize=SMALLEST, loc="outside right center")
    figure.suptitle(f"{summary.settings.benchmark}, {summary.settings.model}, {explained} class explained", fontsize=11)
    return figure


def _style(method: str, index: int) -> dict[str, Any]:
    if method in BASELINES:
        return {"linestyle": ":", "color": "black" if method == "centre" else "grey"}
    return {"linestyle": "-" if index < 10 else "--", "color": f"C{index % 10}"}
