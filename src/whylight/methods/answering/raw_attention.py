"""Raw attention: what the row that predicts a word looks at in the last layer, mean over heads."""

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
    "raw_attention",
    summary="last layer's attention, mean over heads, at the row that predicts the word",
    citation="as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    gradient=False,
)
@torch.no_grad()
def raw_attention(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), in [0, 1]."""
    driven = answer_pass(view, run, -1)
    return row_times_attention(driven.calls[-1], torch.stack([driven.predicting(word) for word in words]))[:, 0]
