"""Attention rollout at the row that predicts a word: :mod:`whylight.methods.rollout` with that row as the readout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention.row_products import row_times_attention
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, answer_pass


@answer_method(
    "rollout",
    summary="attention multiplied through the layers, skip connections as identities",
    citation="Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    gradient=False,
)
@torch.no_grad()
def rollout(view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0) -> Tensor:
    """(words, tokens), in [0, 1]; zero at the predicting row's own token.

    Args:
        start_layer: first layer of the product; negative counts from the end.
    """
    driven = answer_pass(view, run, start_layer)
    begun = torch.stack([driven.predicting(word) for word in words])
    row = begun
    for call in reversed(driven.calls):
        row = (row + row_times_attention(call, row)) / 2
    return row.masked_fill(begun > 0, 0.0)[:, 0]
