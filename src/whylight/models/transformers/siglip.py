"""SigLIP and SigLIP 2 in transformers: picture tower with pooler or classifier, and text tower."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.models.sizes import fit_to_patches
from whylight.models.transformers.blocks import drive, layers_of, picture_tower
from whylight.models.transformers.grid import fit_to_grid
from whylight.models.transformers.masks import padding_mask, real_tokens
from whylight.models.view import AttentionPool, Pass


def begin_siglip_vision(module: Any, pixels: Tensor) -> Pass:
    """A pass through a SigLIP picture tower, pixels (batch, 3, H, W)."""
    tower = picture_tower(module)
    pixels, grid, resized = fit_to_grid(pixels, tower.config)
    return _vision_pass(module, tower, tower.embeddings(pixels, interpolate_pos_encoding=resized), grid)


def begin_siglip2_vision(module: Any, pixels: Tensor) -> Pass:
    """A pass through a SigLIP 2 tower of variable patches (NaFlex), pixels (batch, 3, H, W) of any shape.

    Its own processor cuts each picture into patches of its own grid, and pads them to a common number. Here the
    pictures of a batch have one grid, so that nothing is padded, and nothing to be masked.
    """
    tower = picture_tower(module)
    side = tower.config.patch_size
    pixels = fit_to_patches(pixels, (side, side), None)
    cut = pixels.unflatten(3, (-1, side)).unflatten(2, (-1, side))  # (batch, 3, rows, side, columns, side)
    grid = (cut.shape[2], cut.shape[4])
    patches = cut.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
    shapes = torch.tensor([grid], device=pixels.device).expand(len(pixels), 2)
    return _vision_pass(module, tower, tower.embeddings(patches, shapes), grid)


def _vision_pass(module: Any, tower: Any, tokens: Tensor, grid: tuple[int, int]) -> Pass:
    blocks = [drive(layer) for layer in layers_of(tower)]
    if hasattr(module, "classifier"):
        return Pass(
            tokens=tokens,
            blocks=blocks,
            readout=lambda tokens: module.classifier(tower.post_layernorm(tokens).mean(1)),
            head=lambda pooled: module.classifier(tower.post_layernorm(pooled)),
            prefix=0,
            grid=grid,
        )
    if not tower.use_head:
        raise UnsupportedModel(
            "this SigLIP picture tower has no pooling head (vision_use_head=False), so no output to explain"
        )

    def readout(tokens: Tensor) -> Tensor:
        embedding: Tensor = tower.head(tower.post_layernorm(tokens))
        return embedding

    return Pass(
        tokens=tokens,
        blocks=blocks,
        readout=readout,
        head=lambda pooled: readout(pooled[:, None]),
        prefix=0,
        grid=grid,
        attention_pool=AttentionPool(published=tower.head, model=readout, rows=slice(0, 1)),
    )


def begin_siglip_text(module: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass through a SigLIP text tower: tokens see all others, and the last position is read, padding or not."""
    tower = getattr(module, "text_model", module)
    tokens = tower.embeddings(input_ids=inputs["input_ids"])
    real = real_tokens(inputs)

    def head(pooled: Tensor) -> Tensor:
        embedding: Tensor = tower.head(tower.final_layer_norm(pooled))
        return embedding

    return Pass(
        tokens=tokens,
        blocks=[drive(layer, padding_mask(real)) for layer in layers_of(tower)],
        readout=lambda tokens: head(tokens[:, -1]),
        head=head,
        prefix=0,
        grid=None,
        mask=real,
        readout_row=torch.full((len(tokens),), tokens.shape[1] - 1, device=tokens.device),
    )
