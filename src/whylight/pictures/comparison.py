"""Methods side by side: one row per prompt, one column per method, in bands as wide as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from whylight.pictures.card import LONGER_SIDE as CARD_SIDE
from whylight.pictures.card import ShownMap, comparison_card
from whylight.pictures.explanation import Explanation
from whylight.pictures.figure import (
    GAP,
    INK,
    LINE,
    MARGIN,
    PALE,
    SMALLEST,
    Cell,
    cell_size,
    color_bar,
    outline_seen,
    place,
    show,
    wrapped,
)
from whylight.pictures.words_figure import word_cells

LONGER_SIDE, NARROWEST, BAND_WIDTH = 1.75, 1.15, 9.3
"""Inches: a picture; a column, for the name of its method; all columns of a band."""
HEAD, FOOT, NAMES, BETWEEN = 0.27, 0.3, 1.35, 0.16
BAR, BAR_LABELS = 0.1, 0.55
DPI = 150


def comparison_figure(explanations: Sequence[Explanation], *, alpha: float = 0.85, colormap: str = "inferno") -> Figure:
    """Explanations of one picture and the same targets by several methods, with the time that each took.

    The picture and the methods stand in bands of about five columns: all targets of a band, then the next band.

    Args:
        explanations: at least one; all of one picture, model and list of targets.
    """
    explanations = [explanation.reduced(2 * LONGER_SIDE * DPI) for explanation in explanations]
    first = explanations[0]
    cells = {id(each): list(_cells(each, alpha, colormap)) for each in explanations}
    rows = cells[id(first)]
    width, height = cell_size(first.picture, LONGER_SIDE)
    pitch = max(width, NARROWEST) + GAP
    bands = _bands([None, *explanations], int(BAND_WIDTH // pitch))
    head = HEAD + LINE * (1 + max(_above(each, pitch)[0].count("\n") for each in explanations))
    deep = head + len(rows) * (height + GAP) + BETWEEN
    bar = MARGIN + NAMES + len(bands[0]) * pitch
    figure = Figure(figsize=(bar + BAR + BAR_LABELS + MARGIN, MARGIN + len(bands) * deep + FOOT), dpi=DPI)
    across, down = figure.get_size_inches()
    for number, band in enumerate(bands):
        for row, named in enumerate(rows):
            top = MARGIN + number * deep + head + row * (height + GAP)
            _write_target(figure, named, top + height / 2)
            for column, explanation in enumerate(band):
                left = MARGIN + NAMES + column * pitch + (pitch - GAP - width) / 2
                axes = place(figure, (left, top, width, height))
                above = _above(explanation, pitch) if row == 0 else ("", "")
                if explanation is None:
                    outline_seen(axes, first.frame)
                show(axes, cells[id(explanation)][row].picture if explanation else first.picture, *above)
    color_bar(place(figure, (bar, MARGIN + head, BAR, height)), colormap)
    figure.text(MARGIN / across, 0.09 / down, first.model, fontsize=SMALLEST, color=PALE, parse_math=False)
    return figure


def comparison_html(explanations: Sequence[Explanation], *, colormap: str = "inferno") -> str:
    """The same as a card of a page: a tab for each target, with all methods in it."""
    small = [explanation.reduced(CARD_SIDE / 2) for explanation in explanations]
    maps = [explanation.maps.numpy() for explanation in small]
    first = explanations[0]
    rows = []
    for row, name in enumerate(first.targets):
        cells = [ShownMap(each.label, time_text(each.seconds), own[row]) for each, own in zip(small, maps, strict=True)]
        rows.append((name, first.said(row), cells))
    return comparison_card(small[0].picture, rows, first.model, colormap=colormap)


def _bands(cells: Sequence[Explanation | None], most: int) -> list[Sequence[Explanation | None]]:
    """As few bands as hold the cells, all of one length but the last."""
    count = -(-len(cells) // most)
    length = -(-len(cells) // count)
    return [cells[start : start + length] for start in range(0, len(cells), length)]


def _above(explanation: Explanation | None, width: float) -> tuple[str, str]:
    """A column's name, broken behind underscores and colons where it is too long for that many inches, and its time."""
    if explanation is None:
        return "picture", ""
    name = wrapped(re.sub("([_:])", r"\1 ", explanation.label), width)
    name = re.sub("([_:]) ", r"\1", name)
    return name, time_text(explanation.seconds)


def _write_target(figure: Figure, named: Cell, middle: float) -> None:
    """A target's name and score beside its row, or a word's."""
    across, down = figure.get_size_inches()
    left, at = MARGIN / across, 1 - middle / down
    name, score = wrapped(named.title, NAMES), named.below.replace(" · ", "\n")
    figure.text(left, at, name, fontsize=9, color=INK, va="bottom", parse_math=False)
    figure.text(left, at - 0.03 / down, score, fontsize=SMALLEST, color=PALE, va="top")


def _cells(explanation: Explanation, alpha: float, colormap: str) -> Iterator[Cell]:
    """One for each prompt, followed by one for each of its words, where they were asked for."""
    for row, name in enumerate(explanation.targets):
        yield Cell(explanation.overlay(row, alpha=alpha, colormap=colormap), name, explanation.said(row))
        if explanation.words:
            for cell in word_cells(explanation.picture, explanation.words[row], explanation.frame, alpha):
                yield replace(cell, title=f"· {cell.title}", below=cell.below.split(" · ")[0])


def time_text(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
