"""Pictures of a run over words: F1, precision and recall against the number of words."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.token_f1 import WORDS
from whylight.pictures.figure import SMALLEST
from whylight.reports.summary import Summary
from whylight.reports.tables import ranked


def draw_words(summary: Summary) -> Figure:
    """Mean over documents at every k, with 95 % intervals; the best method first, noise dotted."""
    figure = Figure(figsize=(13.5, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    for index, line in enumerate(line for line in ranked(summary) if line.figures):
        style: dict[str, Any] = {"linestyle": "-" if index < 10 else "--", "color": f"C{index % 10}"}
        if line.method in BASELINES:
            style = {"linestyle": ":", "color": "black"}
        for axis, name in zip(axes, ("f1", "precision", "recall"), strict=True):
            curve = line.figures[f"{name}_curve"]
            axis.plot(WORDS, curve.value, label=line.method, **style)
            axis.fill_between(WORDS, curve.low, curve.high, color=style["color"], alpha=0.08, linewidth=0)
    for axis, name in zip(axes, ("token F1", "precision", "recall"), strict=True):
        axis.set_title(f"{name}, %", fontsize=10)
        axis.set_xlabel("k, words")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=SMALLEST, frameon=False)
    figure.suptitle(f"{summary.pictures} documents of {summary.settings.data['name']}", fontsize=11)
    return figure
