"""Words in a figure, each on its colour."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from whylight.pictures.word_colors import ColoredWord, ink

SIZE, LINE = 11, 0.27
"""In points, and in inches from one line to the next."""
ADVANCE = 0.602 * SIZE / 72
"""Inches from one character to the next in matplotlib's monospaced font."""


def text_lines(text: str, width: float) -> list[str]:
    """A text in lines of so many inches."""
    return textwrap.wrap(text, max(1, int(width / ADVANCE)), break_on_hyphens=False)


def write_words(figure: Figure, words: Sequence[ColoredWord], lines: Sequence[str], left: float, top: float) -> None:
    """Words one after the other, each where its line has it; a phrase may go over lines.

    Args:
        lines: from :func:`text_lines`.
        left, top: inches from the figure's upper left corner.
    """
    across, down = figure.get_size_inches()
    line = column = 0
    for each in words:
        front = ink(each.color) if each.color else (26, 26, 26)
        box = {"facecolor": [c / 255 for c in each.color], "edgecolor": "none", "pad": 1.5} if each.color else None
        for piece in _pieces(each.word.text, lines, line, column):
            line, column, shown = piece
            figure.text(
                (left + column * ADVANCE) / across,
                1 - (top + (line + 0.7) * LINE) / down,
                shown,
                family="monospace",
                fontsize=SIZE,
                color=[c / 255 for c in front],
                bbox=box,
                va="baseline",
                parse_math=False,
            )
            column += len(shown)


def _pieces(text: str, lines: Sequence[str], line: int, column: int) -> list[tuple[int, int, str]]:
    """Where a word or phrase stands: line, column and the part of it in that line."""
    found = lines[line].find(text, column)
    while found < 0 and line + 1 < len(lines):
        rest = lines[line][column:].strip()
        if rest and text.startswith(rest):  # a phrase that goes on in the next line
            begins = lines[line].index(rest, column)
            return [(line, begins, rest), *_pieces(text[len(rest) :].strip(), lines, line + 1, 0)]
        line, column = line + 1, 0
        found = lines[line].find(text)
    if found < 0 and text.startswith(lines[line].strip()):
        return [(line, 0, lines[line].strip())]
    return [(line, max(found, 0), text)]
