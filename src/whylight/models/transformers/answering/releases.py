"""What differs between the releases of transformers, 4.57 and 5."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor


def _old() -> bool:
    try:
        return version("transformers").startswith("4.")
    except PackageNotFoundError:
        return False


OLD = _old()
"""A release before 5."""


def image_features(core: Any, pixels: Tensor, given: dict[str, Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Features of all pictures, in the order of their tokens, (tokens, width), and Qwen3-VL's for its first layers."""
    made = core.get_image_features(pixels, **given)
    deep = getattr(made, "deepstack_features", None) or []
    if hasattr(made, "pooler_output"):
        made = made.pooler_output
    elif isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], list):
        made, deep = made
    return _joined(made), [_joined(each) for each in deep]


def _joined(features: Any) -> Tensor:
    return torch.cat(list(features)) if isinstance(features, (list, tuple)) else features.flatten(0, -2)


def rotary_tables(language: Any, tokens: Tensor, positions: Tensor, types: set[str]) -> dict[str, dict[str, Any]]:
    """What layers of each kind are given of the positions."""
    rotary = language.rotary_emb
    if hasattr(language, "rotary_emb_local"):  # Gemma 3 before 5
        tables = {
            "position_embeddings_global": rotary(tokens, positions),
            "position_embeddings_local": language.rotary_emb_local(tokens, positions),
        }
        return {each: dict(tables) for each in types}
    if hasattr(rotary, "layer_types"):  # Gemma 3: one table for each kind of layer
        return {each: {"position_embeddings": rotary(tokens, positions, each)} for each in types}
    table = rotary(tokens, positions)
    return {each: {"position_embeddings": table} for each in types}


def scale_tokens(language: Any, tokens: Tensor) -> Tensor:
    """Before 5 Gemma scales its tokens inside the language model, not in its embedding."""
    if OLD and language.config.model_type in ("gemma", "gemma2"):
        return tokens * torch.tensor(language.config.hidden_size**0.5, dtype=tokens.dtype, device=tokens.device)
    return tokens
