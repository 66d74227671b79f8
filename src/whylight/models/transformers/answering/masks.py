"""Masks of language models, made by hand: True = may attend. Nothing of them is taken from the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whylight.models.transformers.answering.releases import OLD

Masks = dict[str, Tensor | None]


def masks_of(kind: str, text: Any, inputs: Mapping[str, Tensor], types: set[str]) -> Masks:
    """(batch or 1, 1, tokens, tokens) for each kind of layer; None where attention is plainly causal.

    Args:
        kind: the model's type.
        text: the language model's configuration.
        inputs: ``input_ids``, and where there are any ``attention_mask`` and ``token_type_ids``.
        types: the kinds of layers there are.
    """
    ids = inputs["input_ids"]
    real = inputs.get("attention_mask")
    real = None if real is None or bool(real.all()) else real.bool()
    block = _blocks(kind, inputs)
    window = getattr(text, "sliding_window", None) if "sliding_attention" in types else None
    if window is not None and window >= ids.shape[1]:
        window = None
    masks: Masks = {}
    for each in types:
        near = window if each == "sliding_attention" else None
        plain = real is None and block is None and near is None
        masks[each] = None if plain else _mask(ids, real, block, near, picture_whole=OLD and kind == "gemma3")
    return masks


def _mask(ids: Tensor, real: Tensor | None, block: Tensor | None, window: int | None, *, picture_whole: bool) -> Tensor:
    at = torch.arange(ids.shape[1], device=ids.device)
    allowed = (at[None] <= at[:, None])[None]
    near = at[:, None] - at[None] < window if window is not None else None
    if near is not None and picture_whole:
        allowed = allowed & near
    if block is not None:
        allowed = allowed | ((block[:, :, None] == block[:, None]) & (block >= 0)[:, None])
    if near is not None and not picture_whole:
        allowed = allowed & near
    if real is not None:
        allowed = allowed & real[:, None]
    return allowed[:, None]


def _blocks(kind: str, inputs: Mapping[str, Tensor]) -> Tensor | None:
    """(batch, tokens): tokens of one number see each other whole; -1: of none."""
    types = inputs.get("token_type_ids")
    if types is None:
        return None
    if kind == "paligemma":  # picture and question
        return torch.where(types == 0, 0, -1)
    if kind == "gemma3":  # the tokens of one picture
        image = types == 1
        begins = image & ~torch.nn.functional.pad(image, (1, 0))[:, :-1]
        return torch.where(image, begins.cumsum(1) - 1, -1)
    return None
