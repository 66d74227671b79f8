"""What a word owes to the picture, and to each word that the model had read."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def shares(relevance: Tensor, image: Tensor) -> Tensor:
    """Share of positive relevance on the picture's tokens, (words,); NaN where there is none at all."""
    positive = relevance.clamp(min=0)
    return positive[:, image].sum(-1) / positive.sum(-1)


def text_relevance(relevance: Tensor, places: Sequence[tuple[int, ...]], ends: Sequence[int]) -> Tensor:
    """Relevance of words of the context out of their tokens', (words, context).

    Args:
        relevance: (words, tokens).
        places: positions of the tokens of each word of the context.
        ends: for each explained word the first position that the model had not read.
    """
    table = torch.stack([relevance[:, list(at)].sum(-1) for at in places], 1) if places else relevance[:, :0]
    unread = torch.tensor([[at[0] >= end for at in places] for end in ends], dtype=torch.bool).view(table.shape)
    return table.masked_fill(unread.to(table.device), torch.nan)
