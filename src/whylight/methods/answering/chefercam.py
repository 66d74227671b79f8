"""CheferCAM at the row that predicts a word: :mod:`whylight.methods.chefercam` with that row as the readout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention.row_products import row_times_positive_gradient
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, answer_pass


@answer_method(
    "chefercam",
    summary="attention times its positive gradient, mean over heads, multiplied through the layers",
    citation="Chefer et al., ICCV 2021, arXiv 2103.15679",
)
def chefercam(view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0) -> Tensor:
    """(words, tokens), non-negative.

    Args:
        start_layer: first layer of the product; negative counts from the end.
    """
    driven = answer_pass(view, run, start_layer)
    rows = []
    for word in words:
        row = begun = driven.predicting(word)
        for call, gradient in zip(reversed(driven.calls), reversed(driven.gradients(word)), strict=True):
            row = row + row_times_positive_gradient(call, gradient, row)
        rows.append(row - begun)
    return torch.cat(rows)
