"""timm's vision transformers: where embed, blocks and readout are. OpenCLIP's timm towers come this way too."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.models.sizes import fit_to_patches, shadow
from whylight.models.view import AttentionPool, Block, Pass, Pooling, first_row


def begin_trunk(trunk: Any, pixels: Tensor, last: Block | None = None) -> Pass:
    """A pass through a timm VisionTransformer, Eva or Beit.

    Args:
        pixels: (batch, 3, H, W).
        last: what follows the trunk's own output (OpenCLIP's projection).
    """
    last = last or (lambda output: output)
    patch = _patch_size(trunk)
    pixels = fit_to_patches(pixels, patch, _native_size(trunk))
    grid = (pixels.shape[-2] // patch[0], pixels.shape[-1] // patch[1])
    if grid != tuple(trunk.patch_embed.grid_size):
        resized = shadow(trunk)
        resized.set_input_size(img_size=tuple(pixels.shape[-2:]))  # type: ignore[operator]
        trunk = resized
    tokens, blocks = _embed(trunk, pixels)

    def readout(tokens: Tensor) -> Tensor:
        return last(trunk.forward_head(trunk.norm(tokens)))

    return Pass(
        tokens=tokens,
        blocks=blocks,
        readout=readout,
        head=lambda pooled: last(_head(trunk, trunk.norm(pooled))),
        prefix=trunk.num_prefix_tokens,
        grid=grid,
        attention_pool=_attention_pool(trunk, readout, last),
        readout_row=first_row(tokens) if pooling_of(trunk) == "class_token" else None,
    )


def pooling_of(trunk: Any) -> Pooling:
    """How the trunk pools."""
    if trunk.global_pool == "map":
        return "attention"
    return "class_token" if trunk.global_pool in ("token", "") else "mean"


def _patch_size(trunk: Any) -> tuple[int, int]:
    return tuple(trunk.patch_embed.patch_size)


def _native_size(trunk: Any) -> tuple[int, int]:
    return tuple(trunk.patch_embed.img_size)


def _embed(trunk: Any, pixels: Tensor) -> tuple[Tensor, list[Block]]:
    tokens = trunk._pos_embed(trunk.patch_embed(pixels))
    tokens = trunk.norm_pre(trunk.patch_drop(tokens))
    return tokens, list(trunk.blocks)


def _head(trunk: Any, pooled: Tensor) -> Tensor:
    return trunk.head(trunk.fc_norm(pooled))


def _attention_pool(trunk: Any, readout: Block, last: Block) -> AttentionPool | None:
    if trunk.global_pool != "map":
        return None

    def published(tokens: Tensor) -> Tensor:
        return last(_head(trunk, trunk.pool(tokens)))

    rows = slice(0, 1) if trunk.attn_pool.pool == "token" else slice(None)
    return AttentionPool(published, readout, rows)
