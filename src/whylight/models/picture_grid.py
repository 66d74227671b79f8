"""Where a picture's tokens lie in a sequence, and on the picture."""

from __future__ import annotations

from dataclasses import dataclass

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
