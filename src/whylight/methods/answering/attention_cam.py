"""AttentionCAM at the row that predicts a word: heads weighted by their mean gradient at the picture's tokens.

map = relu(mean over heads of α_h A_h),    α_h = mean over the picture's tokens of ∂s/∂A_h
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention.row_products import attention_rows, gradient_rows
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, answer_pass


@answer_method(
    "attention_cam",
    summary="GradCAM on the last attention map: heads weighted by the mean gradient at the predicting row, ReLU",
    citation="as the GradCAM baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
)
def attention_cam(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), non-negative."""
    driven = answer_pass(view, run, -1)
    call = driven.calls[-1]
    seen = driven.picture if bool(driven.picture.any()) else torch.ones_like(driven.picture)
    maps = []
    for word in words:
        row = driven.predicting(word)
        (gradient,) = driven.gradients(word)
        weights = gradient_rows(call, gradient, row)[..., seen].mean(-1, keepdim=True)
        maps.append((weights * attention_rows(call, row)).mean(-2).relu())
    return torch.cat(maps)
