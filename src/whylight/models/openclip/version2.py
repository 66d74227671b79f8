"""Older OpenCLIP (2.24, for one) keeps two steps inside its vision transformer's forward: here, from their parts."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def embed(visual: Any, pixels: Tensor) -> Tensor:
    """Pixels (batch, 3, H, W) to tokens (batch, 1 + patches, width): class token first, positions, norm."""
    patches = visual.conv1(pixels).flatten(2).transpose(1, 2)
    class_token = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    tokens = torch.cat([class_token, patches], dim=1) + visual.positional_embedding.to(patches.dtype)
    return visual.ln_pre(visual.patch_dropout(tokens))  # type: ignore[no-any-return]


def pool(visual: Any, tokens: Tensor) -> Tensor:
    """Tokens to what is pooled of them, (batch, width), before the projection."""
    if getattr(visual, "attn_pool_contrastive", None) is not None:
        return visual.attn_pool_contrastive(visual.ln_post(tokens))  # type: ignore[no-any-return]
    if visual.attn_pool is not None:
        tokens = visual.attn_pool(tokens)
    elif visual.final_ln_after_pool:
        return visual.ln_post(visual._global_pool(tokens)[0])  # type: ignore[no-any-return]
    return visual._global_pool(visual.ln_post(tokens))[0]  # type: ignore[no-any-return]
