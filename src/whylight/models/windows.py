"""Models that attend in windows and merge their patches from stage to stage (Swin), seen as blocks of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from whylight.models.view import Block

Grid = tuple[int, int]
Stage = tuple[Sequence[Block], Block | None]
"""Blocks of one grid, (batch, rows, columns, width), and what merges 2 x 2 patches behind them, if anything does."""


def stages_as_blocks(stages: Sequence[Stage], grid: Grid) -> tuple[list[Block], Grid]:
    """Every block as one of tokens (batch, tokens, width), and the grid of the last one's.

    The last block of a stage merges patches before it hands them on, so that every block begins with its first norm.

    Args:
        grid: rows and columns of the first stage.
    """
    blocks: list[Block] = []
    for own, merge in stages:
        for index, block in enumerate(own):
            last = index == len(own) - 1
            blocks.append(partial(_through, [block, merge] if merge is not None and last else [block], grid))
        grid = grid if merge is None else halved(grid)
    return blocks, grid


def halved(grid: Grid) -> Grid:
    """What is left of a grid whose patches were merged, an odd side padded."""
    return (grid[0] + 1) // 2, (grid[1] + 1) // 2


def _through(steps: Sequence[Block], grid: Grid, tokens: Tensor) -> Tensor:
    cells: Tensor = tokens.unflatten(1, grid)
    for step in steps:
        cells = step(cells)
    return cells.flatten(1, 2)
