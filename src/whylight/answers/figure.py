"""An answer as a figure: the sentence above, below it the picture and a map for each content word."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from whylight.answers.content import content_words
from whylight.answers.shown import ShownAnswer
from whylight.errors import BadInput
from whylight.pictures.figure import COLUMNS, INK, PALE, Cell, grid_figure
from whylight.pictures.overlay import overlay

HEAD = 0.2
"""Inches of a line of the sentence."""


def answer_figure(answer: ShownAnswer, *, alpha: float = 0.85, colormap: str = "inferno") -> Figure:
    """The figure of an answer about a picture; of several pictures the first is drawn.

    Args:
        alpha, colormap: as for :func:`whylight.pictures.overlay.overlay`.

    Raises:
        BadInput: it was asked without a picture.
        UnknownName: no such colour map.
    """
    if not answer.pictures:
        raise BadInput("the question was asked without a picture: save it as .html or .json")
    picture = answer.pictures[0]
    cells = [Cell(picture, "the picture", "")]
    for index in content_words([each.word for each in answer.words]):
        shown = answer.words[index]
        drawn = overlay(picture, shown.maps[0].numpy(), alpha=alpha, colormap=colormap)
        cells.append(Cell(drawn, shown.word, shown.told))
    figure = grid_figure(cells, answer.about, colormap=colormap)
    _write_sentence(figure, answer, min(COLUMNS, len(cells)))
    return figure


def _write_sentence(figure: Figure, answer: ShownAnswer, columns: int) -> None:
    """The question and the answer over everything: the figure grows by so much."""
    rather = f" (rather than {answer.rather_than})" if answer.rather_than else ""
    width = int(34 * columns)
    question = textwrap.wrap(answer.question, width) or [""]
    said = textwrap.wrap(f"{answer.text}{rather}", width)
    across, down = figure.get_size_inches()
    more = HEAD * (len(question) + len(said)) + 0.12
    places = [(axes, axes.get_position()) for axes in figure.axes]
    figure.set_size_inches(across, down + more)
    share = down / (down + more)
    for axes, box in places:
        axes.set_position((box.x0, box.y0 * share, box.width, box.height * share))
    for text in figure.texts:
        text.set_y(text.get_position()[1] * share)
    for number, line in enumerate((*question, *said)):
        color, weight = (PALE, "normal") if number < len(question) else (INK, "bold")
        at = 1 - (0.1 + HEAD * (number + 0.5)) / (down + more)
        figure.text(0.12 / across, at, line, fontsize=10, color=color, weight=weight, va="center", parse_math=False)
