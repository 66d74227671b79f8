"""Swin in transformers: classifiers and features."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.sizes import fit_to_patches, shadow
from whylight.models.transformers.blocks import picture_tower
from whylight.models.transformers.grid import cell_of, pair
from whylight.models.view import Block, Pass
from whylight.models.windows import Grid, halved


def begin_swin(module: Any, pixels: Tensor) -> Pass:
    """A pass through a Swin, pixels (batch, 3, H, W). ``grid`` is the last stage's."""
    tower = picture_tower(module)
    cell, window = cell_of(tower.config), tower.config.window_size
    pixels = fit_to_patches(pixels, cell, pair(tower.config.image_size))
    if pixels.shape[-2] < window * cell[0] or pixels.shape[-1] < window * cell[1]:
        least = f"{window * cell[0]}x{window * cell[1]}"
        raise BadInput(
            f"this Swin of transformers reads pictures of at least {least} pixels: its windows have one size"
        )
    native = tuple(pixels.shape[-2:]) == pair(tower.config.image_size)
    tokens, grid = tower.embeddings(pixels, interpolate_pos_encoding=not native)
    blocks: list[Block] = []
    for stage in shadow(tower.encoder).layers:  # layers write to themselves where a window is larger than the grid
        merge = stage.downsample
        for index, layer in enumerate(stage.blocks):
            last = merge is not None and index == len(stage.blocks) - 1
            blocks.append(_block(layer, grid, merge if last else None))
        grid = grid if merge is None else halved(grid)

    def head(pooled: Tensor) -> Tensor:
        output: Tensor = tower.layernorm(pooled)
        return module.classifier(output) if hasattr(module, "classifier") else output

    def readout(tokens: Tensor) -> Tensor:
        pooled: Tensor = tower.layernorm(tokens).mean(1)
        return module.classifier(pooled) if hasattr(module, "classifier") else pooled

    return Pass(tokens=tokens, blocks=blocks, readout=readout, head=head, prefix=0, grid=grid)


def _block(layer: Any, grid: Grid, merge: Any) -> Block:
    def block(tokens: Tensor) -> Tensor:
        output: Tensor = layer(tokens, grid)[0]
        return output if merge is None else merge(output, grid)

    return block
