"""timm's vision transformers: where embed, blocks and readout are. OpenCLIP's timm towers come this way too."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from whylight.errors import BadInput, first_line
from whylight.models.readout_token import first_row
from whylight.models.sizes import fit_to_patches, shadow
from whylight.models.view import AttentionPool, Block, Pass, Pooling


def begin_trunk(trunk: Any, pixels: Tensor, last: Block | None = None) -> Pass:
    """A pass through a timm VisionTransformer, Eva or Beit.

    Args:
        pixels: (batch, 3, H, W).
        last: what follows the trunk's own output (OpenCLIP's projection).
    """
    last = last or (lambda output: output)
    pixels = fit_to_patches(pixels, patch_of(trunk), size_of(trunk))
    height, width = pixels.shape[-2:]
    if (height, width) != size_of(trunk) and not getattr(trunk, "dynamic_img_size", False):
        trunk = _resized(trunk, (height, width))
    tokens, blocks = _embed(trunk, pixels)

    def readout(tokens: Tensor) -> Tensor:
        output = trunk.forward_head(trunk.norm(tokens))
        if trunk.global_pool == "":  # pools nothing
            by_class_token = pooling_of(trunk) == "class_token"
            output = output[:, 0] if by_class_token else output[:, trunk.num_prefix_tokens :].mean(1)
        return last(output)

    return Pass(
        tokens=tokens,
        blocks=blocks,
        readout=readout,
        head=lambda pooled: last(_head(trunk, trunk.norm(pooled))),
        prefix=trunk.num_prefix_tokens,
        grid=trunk.patch_embed.dynamic_feat_size((height, width)),
        attention_pool=_attention_pool(trunk, readout, last),
        readout_row=first_row(pixels) if pooling_of(trunk) == "class_token" and not _distilled(trunk) else None,
    )


def _resized(trunk: Any, size: tuple[int, int]) -> Any:
    """The trunk for pictures of another size, as timm itself makes it one; the model stays as it is.

    Raises:
        BadInput: this timm cannot: BEiT's size is fixed before 1.0.31, and so is the type of a convolutional stem.
    """
    resized, own = shadow(trunk), size_of(trunk)
    try:
        resized.set_input_size(img_size=size)
    except (AttributeError, RuntimeError) as error:
        raise BadInput(
            f"the installed timm cannot resize a {type(trunk).__name__} from {own[0]}x{own[1]} to {size[0]}x{size[1]} "
            f"pixels ({first_line(error)}): keep its own size, or install timm 1.0.31 or later"
        ) from error
    return resized


def pooling_of(trunk: Any) -> Pooling:
    """How the trunk pools. One that pools nothing is read at its class token, or else at the mean of its patches."""
    if trunk.global_pool == "map":
        return "attention"
    if trunk.global_pool == "":
        return "class_token" if trunk.cls_token is not None else "mean"
    return "class_token" if trunk.global_pool == "token" else "mean"


def patch_of(trunk: Any) -> tuple[int, int]:
    """Sides of a patch in pixels, the reduction of a convolutional stem included."""
    rows, columns = trunk.patch_embed.feat_ratio(as_scalar=False)
    return int(rows), int(columns)


def size_of(trunk: Any) -> tuple[int, int]:
    """(height, width) that the trunk's positions are made for, in pixels."""
    height, width = trunk.patch_embed.img_size
    return int(height), int(width)


def _embed(trunk: Any, pixels: Tensor) -> tuple[Tensor, list[Block]]:
    """Tokens, and blocks that close over what depends on the picture's shape (rotary tables, relative positions)."""
    patches = trunk.patch_embed(pixels)
    if hasattr(trunk, "rel_pos_bias"):  # Beit
        tokens = torch.cat([trunk.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        tokens = tokens if trunk.pos_embed is None else tokens + trunk.pos_embed
        bias = None if trunk.rel_pos_bias is None else trunk.rel_pos_bias()
        return trunk.pos_drop(tokens), [partial(block, shared_rel_pos_bias=bias) for block in trunk.blocks]
    if hasattr(trunk, "rope"):  # Eva
        tokens, rope = trunk._pos_embed(patches)
        ropes = rope if trunk.rope_mixed else [rope] * len(trunk.blocks)
        blocks: list[Block] = [partial(block, rope=table) for block, table in zip(trunk.blocks, ropes, strict=True)]
        return trunk.norm_pre(tokens), blocks
    return trunk.norm_pre(trunk.patch_drop(trunk._pos_embed(patches))), list(trunk.blocks)


def _head(trunk: Any, pooled: Tensor) -> Tensor:
    output: Tensor = trunk.head(trunk.fc_norm(pooled))
    return (output + trunk.head_dist(pooled)) / 2 if _distilled(trunk) else output


def _distilled(trunk: Any) -> bool:
    """Whether a second head reads a distillation token, and the output is the mean of both."""
    return hasattr(trunk, "head_dist")


def _attention_pool(trunk: Any, readout: Block, last: Block) -> AttentionPool | None:
    """SigLIP's pooler, where the trunk has one; the published readout leaves the trunk's norm out."""
    if trunk.global_pool != "map":
        return None

    def published(tokens: Tensor) -> Tensor:
        return last(_head(trunk, trunk.pool(tokens)))

    rows = slice(0, 1) if trunk.attn_pool.pool == "token" else slice(None)
    prefix = trunk.num_prefix_tokens if getattr(trunk, "pool_include_prefix", True) else 0
    return AttentionPool(published, readout, rows, prefix=prefix)
