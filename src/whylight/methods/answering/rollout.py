"""Attention rollout at the row that predicts a word: :mod:`whylight.methods.rollout` with that row as the readout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.row_products import row_times_attention
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, answer_pass
from whylight.passes.tower_pass import tower_pass


@answer_method(
    "rollout",
    summary="attention multiplied through the layers, skip connections as identities",
    citation="Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    gradient=False,
)
@torch.no_grad()
def rollout(
    view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0, tower: bool = False
) -> Tensor:
    """(words, tokens), in [0, 1]; zero at the predicting row's own token.

    Args:
        start_layer: first layer of the product; negative counts from the end.
        tower: go on through the tower's blocks, where its patches are the picture's tokens.
    """
    driven = answer_pass(view, run, start_layer)
    begun = torch.stack([driven.predicting(word) for word in words])
    row = begun
    for call in reversed(driven.calls):
        row = _step(call, row)
    rows = row.masked_fill(begun > 0, 0.0)[:, 0]
    if not tower:
        return rows
    seen = tower_pass(view, run, start_layer)
    parts = (seen.carried(each[None], driven.picture, lambda at, row: _step(seen.calls[at], row)) for each in rows)
    return torch.cat(list(parts))


def _step(call: AttentionCall, row: Tensor) -> Tensor:
    return (row + row_times_attention(call, row)) / 2
