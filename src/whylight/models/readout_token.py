"""Rows of tokens: the one that a model reads out, and those that it can see."""

from __future__ import annotations

import torch
from torch import Tensor


def first_row(tokens: Tensor) -> Tensor:
    """(batch,) zeros: the class token stands first."""
    return torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)


def tokens_at(tokens: Tensor, row: Tensor) -> Tensor:
    """One token of each input: (batch, width) of tokens (batch, tokens, width) at ``row`` (batch,)."""
    return tokens[torch.arange(len(tokens), device=tokens.device), row]


def up_to(row: Tensor, real: Tensor | None, tokens: Tensor) -> Tensor | None:
    """(batch, tokens) mask of the tokens up to the one that is read out; None where these are all.

    Args:
        row: (batch,) index of the token that is read out.
        real: (batch, tokens) mask of real tokens, None where all are.
        tokens: (batch, tokens, width).
    """
    seen = torch.arange(tokens.shape[1], device=row.device) <= row[:, None]
    if real is not None:
        seen = seen & real
    return None if bool(seen.all()) else seen
