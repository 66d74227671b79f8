"""Keyflow for answers: what the rows behind the picture take up, spread among patches whose keys are alike.

    F(i) = Σ over layers, Σ over query rows q from the question's first to the predicting one,
           mean over heads of relu(A[q, i] * ∂s/∂A[q, i]),       s the word's log-odds
    E    = max(W F - mean over patches of W F, 0) on the picture's tokens

Here F; W, the likeness of patches, is put on where the picture's geometry is known (:mod:`whylight.answers.spreading`).
Our own: the simplest that was right for every kind of question in a trial on scenes.
"""

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
    "keyflow",
    summary="what all rows from the question on take up for the word, over all layers, spread among like patches",
    citation="this project",
)
def keyflow(view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0) -> Tensor:
    """F, (words, tokens), non-negative.

    Args:
        start_layer: first layer of the sum; negative counts from the end.
    """
    driven = answer_pass(view, run, start_layer)
    rows = []
    for word in words:
        telling = driven.telling(word)
        pairs = zip(driven.calls, driven.gradients(word), strict=True)
        rows.append(sum(row_times_positive_gradient(call, gradient, telling) for call, gradient in pairs))
    return torch.cat(rows)  # type: ignore[arg-type]
