"""The grid pointing game: collages of n x n pictures of different classes, each of which is explained.

The figure is the share of the map's positive relevance that falls into the class's own cell (Böhle et al., CVPR 2021;
Rao et al., CVPR 2022).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def collage(pictures: Tensor, side: int) -> Tensor:
    """Side x side pictures (side², 3, height, width) as one of the same size, (3, height, width), row by row.

    Each is scaled down (bilinear, antialiased) to its cell; cells differ by a pixel where ``side`` divides unevenly.
    """
    height, width = pictures.shape[-2:]
    rows, columns = cell_edges(height, side), cell_edges(width, side)
    result = pictures.new_empty(3, height, width)
    for index, picture in enumerate(pictures):
        top, bottom = rows[index // side : index // side + 2]
        left, right = columns[index % side : index % side + 2]
        size = (bottom - top, right - left)
        result[:, top:bottom, left:right] = F.interpolate(picture[None], size=size, mode="bilinear", antialias=True)[0]
    return result


def share_in_cell(scores: Tensor, cell: int, side: int) -> float:
    """Share of positive relevance inside a cell, in [0, 1]; 0 where there is none at all.

    Args:
        scores: raw relevance enlarged to pixels, not scaled, (height, width).
        cell: number of the cell, row by row.
    """
    rows, columns = cell_edges(scores.shape[0], side), cell_edges(scores.shape[1], side)
    row, column = divmod(cell, side)
    positive = scores.clamp(min=0).double()
    total = positive.sum()
    inside = positive[rows[row] : rows[row + 1], columns[column] : columns[column + 1]].sum()
    return float(inside / total) if bool(total > 0) else 0.0


def cell_edges(length: int, side: int) -> list[int]:
    """Where cells begin and end along one side: side + 1 pixels."""
    return [int(edge) for edge in torch.linspace(0, length, side + 1).round()]
