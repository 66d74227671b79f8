"""OpenCLIP's own vision transformer: where its embed, blocks and readout are."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.models.openclip import version2
from whylight.models.readout_token import first_row
from whylight.models.sizes import fit_to_patches
from whylight.models.view import AttentionPool, Block, Pass, Pooling


def begin_vision_transformer(visual: Any, pixels: Tensor) -> Pass:
    """A pass through an ``open_clip.transformer.VisionTransformer``, pixels (batch, 3, H, W)."""
    pixels = fit_to_patches(pixels, visual.patch_size, visual.image_size)
    grid = (pixels.shape[-2] // visual.patch_size[0], pixels.shape[-1] // visual.patch_size[1])

    def project(pooled: Tensor) -> Tensor:
        return pooled if visual.proj is None else pooled @ visual.proj

    def readout(tokens: Tensor) -> Tensor:
        pooled = visual._pool(tokens)[0] if hasattr(visual, "_pool") else version2.pool(visual, tokens)
        # A tower that pools nothing (`pool_type="none"`) is read at its class token.
        return project(pooled[:, 0] if pooled.dim() == 3 else pooled)

    def head(pooled: Tensor) -> Tensor:
        return project(visual.ln_post(pooled))

    return Pass(
        tokens=_embed(visual, pixels, grid),
        blocks=_blocks(visual),
        readout=readout,
        head=head,
        prefix=1,
        grid=grid,
        attention_pool=_attention_pool(visual, readout, project),
        readout_row=first_row(pixels) if pooling_of(visual) == "class_token" else None,
    )


def pooling_of(visual: Any) -> Pooling:
    """How the tower pools."""
    if visual.attn_pool is not None:
        return "attention"
    return "mean" if visual.pool_type == "avg" else "class_token"


def batch_first(visual: Any) -> bool:
    """Whether the blocks take (batch, tokens, width); OpenCLIP 2.x has (tokens, batch, width)."""
    return bool(getattr(visual.transformer.resblocks[0].attn, "batch_first", True))


def _blocks(visual: Any) -> list[Block]:
    blocks = list(visual.transformer.resblocks)
    if batch_first(visual):
        return blocks

    def sequence_first(block: Block) -> Block:
        return lambda tokens: block(tokens.transpose(0, 1)).transpose(0, 1)

    return [sequence_first(block) for block in blocks]


def _embed(visual: Any, pixels: Tensor, grid: tuple[int, int]) -> Tensor:
    native = tuple(visual.grid_size)
    if grid != native:
        # A shallow copy with a parameter table of its own: the model keeps its positions.
        positions = _interpolate(visual.positional_embedding, native, grid)
        visual = copy.copy(visual)
        visual._parameters = {**visual._parameters, "positional_embedding": positions}
    tokens: Tensor = visual._embeds(pixels) if hasattr(visual, "_embeds") else version2.embed(visual, pixels)
    return tokens


def _interpolate(positions: Tensor, native: tuple[int, ...], grid: tuple[int, int]) -> Tensor:
    """As ``open_clip`` itself resizes positions when it loads weights for another size: bicubic with antialias."""
    table = positions[1:].reshape(1, *native, -1).permute(0, 3, 1, 2)
    table = table.to(torch.promote_types(table.dtype, torch.float32))
    table = F.interpolate(table, size=grid, mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([positions[:1], table.to(positions.dtype).permute(0, 2, 3, 1).reshape(grid[0] * grid[1], -1)])


def _attention_pool(visual: Any, readout: Block, project: Block) -> AttentionPool | None:
    """CoCa's pooler, which reads all tokens; the published readout leaves ``ln_post`` out."""
    if visual.attn_pool is None:
        return None
    contrastive = getattr(visual, "attn_pool_contrastive", None)
    if contrastive is not None:  # "parallel": the captioner's pooler stands beside it and is not read

        def model(tokens: Tensor) -> Tensor:
            return project(contrastive(visual.ln_post(tokens))[:, 0])

        def published(tokens: Tensor) -> Tensor:
            return project(contrastive(tokens)[:, 0])

        return AttentionPool(published, model, rows=slice(0, 1), normalized=False, prefix=1)

    average = visual.pool_type == "avg"

    def published_queries(tokens: Tensor) -> Tensor:
        pooled = visual.attn_pool(tokens)
        return project(pooled[:, 1:].mean(1) if average else pooled[:, 0])

    # The average over pooled queries leaves the first one out, as the model's own average does.
    rows = slice(1, None) if average else slice(0, 1)
    return AttentionPool(published_queries, readout, rows, normalized=False, prefix=1)
