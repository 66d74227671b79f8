"""A prompt as a sentence over the maps of its words: how much each adds, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from PIL import Image

from whylight.models.preprocessing import Frame
from whylight.pictures.figure import DPI, INK, PALE, SMALLEST, Cell, cell_size, place, show, wrapped
from whylight.pictures.overlay import find_colormap, overlay
from whylight.pictures.word_colors import colored_words
from whylight.pictures.word_maps import SIGNED, said_without, word_maps
from whylight.pictures.word_shares import WordShares
from whylight.pictures.written_words import LINE, text_lines, write_words

COLUMNS, LONGER_SIDE = 5, 1.9
GAP, MARGIN, FOOT, SAID, BETWEEN = 0.12, 0.15, 0.3, 0.27, 0.22
TITLE_LINE, BELOW = 0.16, 0.24
BAR, BAR_LABELS = 0.11, 0.62


def words_figure(
    cells: Sequence[Cell], words: Sequence[WordShares], frame: Frame, foot: str, *, alpha: float = 0.85
) -> Figure:
    """One block for each prompt: the sentence, the whole prompt's map, and the map of what each word adds.

    Red adds, blue takes away. Each map has its own scale; how much of all change it is stands above it.

    Args:
        cells: the picture, and the overlay of each prompt under its name and score.
        words: of each prompt.
        frame: which part of the picture the model saw.
    """
    width, height = cell_size(cells[0].picture, LONGER_SIDE)
    columns = min(COLUMNS, 2 + max(map(len, words)))
    across = 2 * MARGIN + columns * (width + GAP) + BAR + BAR_LABELS
    blocks = [
        _Block(shares, _cells_of(cells[0], whole, shares, frame, alpha), text_lines(shares.prompt, across - 2 * MARGIN))
        for whole, shares in zip(cells[1:], words, strict=True)
    ]
    tops = list(accumulate((block.tall(columns, width, height) for block in blocks), initial=MARGIN))
    figure = Figure(figsize=(across, tops[-1] + FOOT), dpi=DPI)
    for block, top in zip(blocks, tops, strict=False):
        block.draw(figure, top, columns, width, height)
    figure.text(MARGIN / across, 0.1 / (tops[-1] + FOOT), foot, fontsize=SMALLEST, color=PALE, parse_math=False)
    return figure


@dataclass(frozen=True)
class _Block:
    """A prompt: its words, the cells below them, and its text in lines."""

    shares: WordShares
    cells: list[Cell]
    lines: list[str]

    def tall(self, columns: int, width: float, height: float) -> float:
        """Inches from the top of the sentence to the next block."""
        rows = -(-len(self.cells) // columns)
        return LINE * len(self.lines) + SAID + rows * (self._head(width) + height + GAP) + BETWEEN

    def draw(self, figure: Figure, top: float, columns: int, width: float, height: float) -> None:
        across, down = figure.get_size_inches()
        colored = colored_words(self.shares.words, torch.tensor(self.shares.scores))
        write_words(figure, colored, self.lines, MARGIN, top)
        below = top + LINE * len(self.lines)
        said = said_without(self.shares)
        figure.text(MARGIN / across, 1 - (below + 0.16) / down, said, fontsize=SMALLEST, color=PALE, va="baseline")
        head = self._head(width)
        first = below + SAID + head
        for index, cell in enumerate(self.cells):
            row, column = divmod(index, columns)
            box = (MARGIN + column * (width + GAP), first + row * (head + height + GAP), width, height)
            show(place(figure, box), cell.picture, wrapped(cell.title, width), cell.below)
        _signed_bar(figure, (MARGIN + columns * (width + GAP), first, BAR, height))

    def _head(self, width: float) -> float:
        return BELOW + TITLE_LINE * max(wrapped(cell.title, width).count("\n") + 1 for cell in self.cells)


def _cells_of(picture: Cell, whole: Cell, shares: WordShares, frame: Frame, alpha: float) -> list[Cell]:
    of_words = word_cells(picture.picture, shares, frame, alpha)
    return [picture, Cell(whole.picture, "whole prompt", whole.below), *of_words]


def word_cells(picture: Image.Image, shares: WordShares, frame: Frame, alpha: float) -> list[Cell]:
    """The overlay of what each word adds, each on its own scale, under the word, its part in the score, and its share
    of all that the words change in the map."""
    return [
        Cell(overlay(picture, each.heat, alpha=alpha, colormap=SIGNED, signed=True), each.text, each.said)
        for each in word_maps(shares, frame)
    ]


def _signed_bar(figure: Figure, box: tuple[float, float, float, float]) -> None:
    bar = figure.colorbar(ScalarMappable(cmap=find_colormap(SIGNED)), cax=place(figure, box), ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["takes", "0", "adds"])
    bar.ax.tick_params(labelsize=SMALLEST, length=0, colors=INK)
    bar.outline.set_visible(False)
