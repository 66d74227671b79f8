"""A picture and a prompt in one figure: where the picture answers the prompt, and which words asked."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from whylight.errors import BadInput
from whylight.pictures.explanation import Explanation
from whylight.pictures.figure import cell_size, place, show
from whylight.text.explanation import TextExplanation
from whylight.text.word_colors import ink

SIDE, GAP, MARGIN, HEAD, FOOT = 3.2, 0.12, 0.15, 0.5, 0.35
SIZE, LINE = 11, 0.27
ADVANCE = 0.602 * SIZE / 72
"""Inches from one character to the next in matplotlib's monospaced font."""


def pair_figure(seen: Explanation, read: TextExplanation, target: int = 0) -> Figure:
    """The picture, its overlay for one prompt, and below them that prompt's words on the colours of their relevance.

    Args:
        seen: of :func:`whylight.explain`, with the prompt among its targets.
        read: of :func:`whylight.explain_text`, for the same prompt and that picture.
        target: which of the targets of ``seen`` is the prompt.

    Raises:
        BadInput: the two are about different prompts.
    """
    if seen.targets[target] != read.text:
        raise BadInput(f"the picture was asked for {seen.targets[target]!r}, the words are of {read.text!r}")
    width, height = cell_size(seen.picture, SIDE)
    across = max(2 * (MARGIN + width) + GAP, 2 * MARGIN + ADVANCE * max(len(word.text) for word in read.words))
    lines = textwrap.wrap(read.text, int((across - 2 * MARGIN) / ADVANCE), break_on_hyphens=False)
    figure = Figure(figsize=(across, HEAD + height + GAP + LINE * len(lines) + FOOT), dpi=160)
    show(place(figure, (MARGIN, HEAD, width, height)), seen.picture, "picture", "")
    shown = place(figure, (MARGIN + width + GAP, HEAD, width, height))
    show(shown, seen.overlay(target), seen.method, f"cosine {seen.scores[target]:.3f}")
    _write(figure, read, lines, top=HEAD + height + GAP)
    return figure


def _write(figure: Figure, read: TextExplanation, lines: list[str], top: float) -> None:
    """Words one after the other, each where its line has it."""
    across, down = figure.get_size_inches()
    line = column = 0
    for each in read.colored()[0].words:
        word, color = each.word, each.color
        found = lines[line].find(word.text, column)
        if found < 0 and line + 1 < len(lines):
            line, found = line + 1, lines[line + 1].find(word.text)
        column = found + len(word.text)
        front = ink(color) if color else (26, 26, 26)
        box = {"facecolor": [c / 255 for c in color], "edgecolor": "none", "pad": 1.5} if color else None
        figure.text(
            (MARGIN + found * ADVANCE) / across,
            1 - (top + (line + 0.7) * LINE) / down,
            word.text,
            family="monospace",
            fontsize=SIZE,
            color=[c / 255 for c in front],
            bbox=box,
            va="baseline",
            parse_math=False,
        )
