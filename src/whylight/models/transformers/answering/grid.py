"""Where a picture's tokens lie in the sequence, and on the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Frame = tuple[float, float, float, float]
WHOLE: Frame = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Grid:
    """Tokens that tile a part of a picture, row by row.

    Attributes:
        first: position in the sequence of the upper left token.
        rows, columns: how many.
        stride: from one row's first token to the next one's; more than ``columns`` where a token ends each row.
        frame: top, left, bottom and right of the grid as fractions of the picture, beyond 0..1 where cells see padding.
    """

    first: int
    rows: int
    columns: int
    stride: int
    frame: Frame

    def position(self, row: int, column: int) -> int:
        """Place in the sequence of a cell's token."""
        return self.first + row * self.stride + column

    def positions(self) -> Tensor:
        """(rows, columns) places in the sequence."""
        return self.first + torch.arange(self.rows)[:, None] * self.stride + torch.arange(self.columns)

    def center(self, row: int, column: int) -> tuple[float, float]:
        """Down and across, as fractions of the picture."""
        top, left, bottom, right = self.frame
        down = top + (row + 0.5) / self.rows * (bottom - top)
        return down, left + (column + 0.5) / self.columns * (right - left)


@dataclass(frozen=True)
class Asked:
    """One question, as layouts read it.

    Attributes:
        config: the model's.
        processor: the model's, whose options say how pictures are cut.
        ids: of the whole sequence.
        inputs: what the processor made of this question.
        sizes: (height, width) of each of its pictures.
    """

    config: Any
    processor: Any
    ids: list[int]
    inputs: Mapping[str, Tensor]
    sizes: Sequence[tuple[int, int]]

    @property
    def side(self) -> int:
        """Side of the tower's input, in pixels."""
        return _one(self.config.vision_config.image_size)

    @property
    def patch(self) -> int:
        return _one(self.config.vision_config.patch_size)

    @property
    def patches(self) -> int:
        """Patches along a side of the tower's input."""
        return self.side // self.patch


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (list, tuple)) else value)


def runs_of(places: Sequence[int]) -> list[tuple[int, int]]:
    """(first, length) of each unbroken run of rising positions."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs
