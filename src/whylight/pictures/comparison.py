"""Methods side by side: one row per prompt, one column per method."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from whylight.pictures.explanation import Explanation
from whylight.pictures.figure import (
    INK,
    PALE,
    cell_size,
    color_bar,
    outline_seen,
    place,
    show,
    wrapped,
)

LONGER_SIDE, GAP, MARGIN = 1.75, 0.07, 0.12
HEAD, FOOT, NAMES = 0.44, 0.3, 1.35
BAR, BAR_LABELS = 0.1, 0.5
DPI = 150


def comparison_figure(explanations: Sequence[Explanation], *, alpha: float = 0.85, colormap: str = "inferno") -> Figure:
    """Explanations of one picture and the same targets by several methods, with the time that each took.

    Args:
        explanations: at least one; all of one picture, model and list of targets.
    """
    explanations = [explanation.reduced(2 * LONGER_SIDE * DPI) for explanation in explanations]
    first = explanations[0]
    width, height = cell_size(first.picture, LONGER_SIDE)
    across = 2 * MARGIN + NAMES + (1 + len(explanations)) * (width + GAP) + BAR + BAR_LABELS
    down = MARGIN + HEAD + len(first) * (height + GAP) + FOOT
    figure = Figure(figsize=(across, down), dpi=DPI)
    for row, name in enumerate(first.targets):
        top = MARGIN + HEAD + row * (height + GAP)
        middle = 1 - (top + height / 2) / down
        label = wrapped(name, NAMES)
        figure.text(MARGIN / across, middle, label, fontsize=9, color=INK, va="bottom", parse_math=False)
        score = first.said(row).replace(" · ", "\n")
        figure.text(MARGIN / across, middle - 0.03 / down, score, fontsize=7, color=PALE, va="top")
        for column, explanation in enumerate([None, *explanations]):
            cell = place(figure, (MARGIN + NAMES + column * (width + GAP), top, width, height))
            if explanation is None:
                outline_seen(cell, first.frame)
                show(cell, first.picture, *(("picture", " ") if row == 0 else ("", "")))
            else:
                above = (explanation.method, time_text(explanation.seconds)) if row == 0 else ("", "")
                show(cell, explanation.overlay(row, alpha=alpha, colormap=colormap), *above)
    left = MARGIN + NAMES + (1 + len(explanations)) * (width + GAP)
    color_bar(place(figure, (left, MARGIN + HEAD, BAR, height)), colormap)
    figure.text(MARGIN / across, 0.09 / down, first.model, fontsize=7.5, color=PALE, parse_math=False)
    return figure


def time_text(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
