"""OpenCLIP's own vision transformer: where its embed, blocks and readout are."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.models.sizes import fit_to_patches
from whylight.models.view import AttentionPool, Block, Pass, Pooling, first_row


def begin_vision_transformer(visual: Any, pixels: Tensor) -> Pass:
    """A pass through an ``open_clip.transformer.VisionTransformer``, pixels (batch, 3, H, W)."""
    pixels = fit_to_patches(pixels, visual.patch_size, visual.image_size)
    grid = (pixels.shape[-2] // visual.patch_size[0], pixels.shape[-1] // visual.patch_size[1])
    batch_first = getattr(visual.transformer, "batch_first", True)

    def drive(block: nn.Module) -> Block:
        if batch_first:
            return block
        return lambda tokens: block(tokens.transpose(0, 1)).transpose(0, 1)

    def project(pooled: Tensor) -> Tensor:
        return pooled if visual.proj is None else pooled @ visual.proj

    def readout(tokens: Tensor) -> Tensor:
        pooled = visual._pool(tokens)[0]
        return project(pooled.squeeze(1) if pooled.dim() == 3 and pooled.shape[1] == 1 else pooled)

    def head(pooled: Tensor) -> Tensor:
        return project(visual.ln_post(pooled))

    tokens = _embed(visual, pixels, grid)
    return Pass(
        tokens=tokens,
        blocks=[drive(block) for block in visual.transformer.resblocks],
        readout=readout,
        head=head,
        prefix=1,
        grid=grid,
        attention_pool=_attention_pool(visual, readout, project),
        readout_row=first_row(tokens) if pooling_of(visual) == "class_token" else None,
    )


def pooling_of(visual: Any) -> Pooling:
    """How the tower pools."""
    if visual.attn_pool is not None:
        return "attention"
    return "mean" if visual.pool_type == "avg" else "class_token"


def _embed(visual: Any, pixels: Tensor, grid: tuple[int, int]) -> Tensor:
    native = tuple(visual.grid_size)
    if grid == native:
        return visual._embeds(pixels)
    # A shallow copy with a parameter table of its own: the model keeps its positions.
    resized = copy.copy(visual)
    resized._parameters = dict(visual._parameters)
    resized._parameters["positional_embedding"] = nn.Parameter(
        _interpolate(visual.positional_embedding.detach(), native, grid), requires_grad=False
    )
    return resized._embeds(pixels)


def _interpolate(positions: Tensor, native: tuple[int, ...], grid: tuple[int, int]) -> Tensor:
    """As ``open_clip`` itself resizes positions when it loads weights for another size: bicubic with antialias."""
    class_token, patches = positions[:1], positions[1:]
    table = patches.reshape(1, *native, -1).permute(0, 3, 1, 2)
    table = F.interpolate(table, size=grid, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([class_token, table.permute(0, 2, 3, 1).reshape(grid[0] * grid[1], -1)])


def _attention_pool(visual: Any, readout: Block, project: Block) -> AttentionPool | None:
    if visual.attn_pool is None:
        return None
    average = visual.pool_type == "avg"

    def published(tokens: Tensor) -> Tensor:
        pooled = visual.attn_pool(tokens)
        return project(pooled[:, 1:].mean(1) if average else pooled[:, 0])

    # The average over pooled queries leaves the first one out, as the model's own average does.
    return AttentionPool(published, readout, rows=slice(1, None) if average else slice(0, 1), normalised=False)
