"""From relevance at a picture's tokens to a map of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.models.picture_grid import Grid


def fitted(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """Width and height, made smaller where the longer side has more pixels than that."""
    ratio = min(1.0, (longest or max(size)) / max(size))
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def picture_maps(relevance: Tensor, grids: Sequence[Grid], size: tuple[int, int]) -> Tensor:
    """Relevance per token as density on the picture, (words, height, width) float32: grids are added up.

    What no grid sees (cropped away) is zero.

    Args:
        relevance: (words, tokens) of the whole sequence.
        size: (height, width).
    """
    total = torch.zeros(len(relevance), *size)
    for grid in grids:
        top, left, bottom, right = grid.frame
        area = (bottom - top) * (right - left) / (grid.rows * grid.columns)
        cells = relevance[:, grid.positions()].float().cpu() / area
        total += _on_picture(cells, grid, size)
    return total


def _on_picture(cells: Tensor, grid: Grid, size: tuple[int, int]) -> Tensor:
    """Bilinear between the centers of cells, level from the outer ones to the frame, zero outside."""
    top, left, bottom, right = grid.frame
    down = ((torch.arange(size[0]) + 0.5) / size[0] - top) / (bottom - top)
    across = ((torch.arange(size[1]) + 0.5) / size[1] - left) / (right - left)
    where = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)[None] * 2 - 1
    maps = F.grid_sample(cells[None], where, mode="bilinear", padding_mode="border", align_corners=False)[0]
    inside = ((down > 0) & (down < 1))[:, None] & ((across > 0) & (across < 1))
    return maps * inside
