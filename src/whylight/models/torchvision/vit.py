"""torchvision's VisionTransformer: where embed, blocks and readout are."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.models.pre_norm import PartPaths, PreNormBlock
from whylight.models.readout_token import first_row
from whylight.models.sizes import fit_to_patches
from whylight.models.view import Pass

# There is no layer scale: the last two paths lead to nothing.
_PARTS = PartPaths("self_attention.out_proj", "ln_2", "mlp.0", "mlp.3", "mlp.1", "ln_1.scale", "ln_2.scale")


def begin_vit(module: Any, pixels: Tensor) -> Pass:
    """A pass through a torchvision VisionTransformer, pixels (batch, 3, H, W)."""
    patch, native = module.patch_size, module.image_size
    pixels = fit_to_patches(pixels, (patch, patch), (native, native))
    patches = module.conv_proj(pixels)
    grid = (patches.shape[-2], patches.shape[-1])
    tokens = torch.cat([module.class_token.expand(len(patches), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
    encoder = module.encoder
    tokens = encoder.dropout(tokens + _positions(encoder.pos_embedding, native // patch, grid))

    def head(pooled: Tensor) -> Tensor:
        logits: Tensor = module.heads(encoder.ln(pooled))
        return logits

    return Pass(
        tokens=tokens,
        blocks=list(encoder.layers),
        readout=lambda tokens: head(tokens[:, 0]),
        head=head,
        prefix=1,
        grid=grid,
        readout_row=first_row(tokens),
    )


def parts_of(block: Any) -> PreNormBlock | None:
    """A block's parts; None where it is of another shape, or its MLP's activation of no known derivative."""
    if type(block).__name__ != "EncoderBlock":
        return None
    return _PARTS.read(block)


def _positions(table: Tensor, native: int, grid: tuple[int, int]) -> Tensor:
    """(1, 1 + patches, width): the table for this grid, bicubic as torchvision's ``interpolate_embeddings``."""
    if grid == (native, native):
        return table
    places = table[:, 1:].transpose(1, 2).unflatten(2, (native, native))
    resized = F.interpolate(places, grid, mode="bicubic", align_corners=True)
    return torch.cat([table[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)
