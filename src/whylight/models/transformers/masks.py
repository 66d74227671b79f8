"""Masks of text towers: of attention, as scaled dot-product attention takes them (True = may attend), and of means."""

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


def window_mask(real: Tensor | None, tokens: Tensor, reach: int) -> Tensor:
    """(batch or 1, 1, tokens, tokens): every token sees itself and the real ones at most ``reach`` places away.

    Itself also where it is padding, which no real token sees: a window of padding alone would have nothing to see.
    """
    places = torch.arange(tokens.shape[1], device=tokens.device)
    apart = (places[:, None] - places).abs()
    near = (apart <= reach)[None, None]
    return near if real is None else (near & real[:, None, None, :]) | (apart == 0)


def mean_of_real(tokens: Tensor, real: Tensor | None) -> Tensor:
    """(batch, width) mean of tokens (batch, tokens, width), padding left out."""
    if real is None:
        return tokens.mean(1)
    weights = real[..., None].to(tokens.dtype)
    return (tokens * weights).sum(1) / weights.sum(1)
