"""DINOv2 (with and without registers) and DINOv3 in transformers: classifiers and features."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.models.readout_token import first_row
from whylight.models.transformers.blocks import drive, layers_of, picture_tower
from whylight.models.transformers.grid import fit_to_grid, grid_of
from whylight.models.view import Pass


def begin_dinov2(module: Any, pixels: Tensor) -> Pass:
    """A pass through a DINOv2, pixels (batch, 3, H, W).

    Its classifier reads the class token beside the mean of the patches; in ``head`` one vector takes both places.
    """
    tower = picture_tower(module)
    _check_table(tower.config)
    pixels, grid, _ = fit_to_grid(pixels, tower.config)
    tokens = tower.embeddings(pixels)
    prefix = tokens.shape[1] - grid[0] * grid[1]

    def last(class_token: Tensor, patches: Tensor) -> Tensor:
        if not hasattr(module, "classifier"):
            return class_token
        logits: Tensor = module.classifier(torch.cat([class_token, patches], dim=1))
        return logits

    def readout(tokens: Tensor) -> Tensor:
        tokens = tower.layernorm(tokens)
        return last(tokens[:, 0], tokens[:, prefix:].mean(1))

    def head(pooled: Tensor) -> Tensor:
        pooled = tower.layernorm(pooled)
        return last(pooled, pooled)

    return Pass(
        tokens=tokens,
        blocks=[drive(layer) for layer in layers_of(tower)],
        readout=readout,
        head=head,
        prefix=prefix,
        grid=grid,
        readout_row=first_row(tokens),
    )


def _check_table(config: Any) -> None:
    """transformers' DINOv2 takes its table of positions for a square one at every size, so these answers are its own;
    where the table cannot even be read so, the model answers nothing.

    Raises:
        UnsupportedModel: it is no square number of patches.
    """
    rows, columns = grid_of(config)
    if math.isqrt(rows * columns) ** 2 != rows * columns:
        raise UnsupportedModel(
            f"transformers' DINOv2 reads positions as a square, and {rows} x {columns} patches (image_size="
            f"{config.image_size}) are none: the model cannot run, in Whylight or without it"
        )


def begin_dinov3(module: Any, pixels: Tensor) -> Pass:
    """A pass through a DINOv3, pixels (batch, 3, H, W): positions are rotary, computed for this picture's grid."""
    pixels, grid, _ = fit_to_grid(pixels, module.config)
    tokens = module.embeddings(pixels)
    rotary = module.rope_embeddings(pixels)
    return Pass(
        tokens=tokens,
        blocks=[drive(layer, position_embeddings=rotary) for layer in layers_of(module)],
        readout=lambda tokens: module.norm(tokens)[:, 0],
        head=module.norm,
        prefix=tokens.shape[1] - grid[0] * grid[1],
        grid=grid,
        readout_row=first_row(tokens),
    )
