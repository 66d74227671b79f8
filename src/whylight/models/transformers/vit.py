"""ViT and DeiT in transformers: classifiers, and features through the pooler."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.models.readout_token import first_row
from whylight.models.transformers.blocks import drive, layers_of, picture_tower
from whylight.models.transformers.grid import fit_to_grid, grid_of
from whylight.models.view import Block, Pass


def begin_vit(module: Any, pixels: Tensor) -> Pass:
    """A pass through a ViT or a DeiT, pixels (batch, 3, H, W)."""
    tower = picture_tower(module)
    pixels, grid, resized = fit_to_grid(pixels, tower.config)
    tokens = _embedded(tower, pixels, grid) if resized else tower.embeddings(pixels)
    two_heads = hasattr(module, "distillation_classifier")
    readout, head = _two_heads(module, tower.layernorm) if two_heads else _one_head(module, tower)
    return Pass(
        tokens=tokens,
        blocks=[drive(layer) for layer in layers_of(tower)],
        readout=readout,
        head=head,
        prefix=tokens.shape[1] - grid[0] * grid[1],
        grid=grid,
        readout_row=None if two_heads else first_row(tokens),
    )


def _embedded(tower: Any, pixels: Tensor, grid: tuple[int, int]) -> Tensor:
    """Tokens of pixels of another size than the model's own, its positions interpolated as transformers does it.

    transformers takes every table of positions for a square one and every patch for one, whatever the configuration
    says; where they are not, the table is interpolated here.
    """
    embeddings = tower.embeddings
    rows, columns = grid_of(tower.config)
    if rows == columns and isinstance(embeddings.patch_size, int):
        return embeddings(pixels, interpolate_pos_encoding=True)  # type: ignore[no-any-return]
    patches = embeddings.patch_embeddings.projection(pixels).flatten(2).transpose(1, 2)
    first = [getattr(embeddings, name, None) for name in ("cls_token", "distillation_token")]
    tokens = torch.cat([*(token.expand(len(patches), -1, -1) for token in first if token is not None), patches], dim=1)
    table = embeddings.position_embeddings
    prefix = table.shape[1] - rows * columns
    places = table[:, prefix:].unflatten(1, (rows, columns)).permute(0, 3, 1, 2)
    places = F.interpolate(places, size=grid, mode="bicubic", align_corners=False).flatten(2).transpose(1, 2)
    embedded: Tensor = embeddings.dropout(tokens + torch.cat([table[:, :prefix], places], dim=1))
    return embedded


def _one_head(module: Any, tower: Any) -> tuple[Block, Block]:
    """Readout and head of a classifier, or of features: the pooler (dense, tanh) where there is one."""
    pooler = getattr(tower, "pooler", None)

    def head(pooled: Tensor) -> Tensor:
        output: Tensor = tower.layernorm(pooled)
        if hasattr(module, "classifier"):
            output = module.classifier(output)
        elif pooler is not None:
            output = pooler(output[:, None])
        return output

    return lambda tokens: head(tokens[:, 0]), head


def _two_heads(module: Any, norm: nn.Module) -> tuple[Block, Block]:
    """Readout and head of a distilled classifier: the mean of two classifiers, at tokens 0 and 1."""

    def both(class_token: Tensor, distillation_token: Tensor) -> Tensor:
        first, second = (
            module.cls_classifier(norm(class_token)),
            module.distillation_classifier(norm(distillation_token)),
        )
        return (first + second) / 2  # type: ignore[no-any-return]

    return lambda tokens: both(tokens[:, 0], tokens[:, 1]), lambda pooled: both(pooled, pooled)
