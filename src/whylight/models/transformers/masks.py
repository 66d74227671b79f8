"""Attention masks of text towers, as scaled dot-product attention takes them: True = may attend."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def real_tokens(inputs: Mapping[str, Tensor]) -> Tensor | None:
    """(batch, tokens), True where a token is no padding; None where nothing is padded."""
    mask = inputs.get("attention_mask")
    return None if mask is None or bool(mask.all()) else mask.bool()


def padding_mask(real: Tensor | None) -> Tensor | None:
    """(batch, 1, 1, tokens): every token sees every real one."""
    return None if real is None else real[:, None, None, :]


def causal_mask(real: Tensor | None, tokens: Tensor) -> Tensor:
    """(batch or 1, 1, tokens, tokens): every token sees the real ones up to itself."""
    length = tokens.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()[None, None]
    return causal if real is None else causal & real[:, None, None, :]
