"""Keyflow for answers: what the values behind a word could move, spread among patches whose keys are alike.

    g_i  = Σ over query rows q from the question's first to the predicting one of A[q, i] ∂s/∂O_q
    F(i) = Σ over layers, mean over heads of max(v_i · g_i + |v_i| |g_i| / 2, 0),     s the word's log-odds
    E    = max(W F - mean over patches of W F, 0) on the picture's tokens

v_i · g_i is what a head took up for the word at i, Σ over q of A[q, i] ∂s/∂A[q, i]; |v_i| |g_i| is the most that a
value of this length could have brought there. With the first alone, what looks like the answer and was not asked about
comes out; with the second alone, a map knows no direction. Here F; W, the likeness of patches, is put on where the
picture's geometry is known (:mod:`whylight.answers.spreading`). Our own, chosen by trial on one half of the scenes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.attention.row_products import value_gradients
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words
from whylight.passes.telling_pass import telling_pass


@answer_method(
    "keyflow",
    summary="what the values that question and answer look at could move, over all layers, spread among like patches",
    citation="this project",
)
def keyflow(view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0) -> Tensor:
    """F, (words, tokens), non-negative.

    Args:
        start_layer: first layer of the sum; negative counts from the end.
    """
    driven = telling_pass(view, run, start_layer)
    rows = []
    for word in words:
        telling = driven.telling(word)
        pairs = zip(driven.calls, driven.gradients(word), strict=True)
        rows.append(sum(moved(call, value_gradients(call, gradient, telling)) for call, gradient in pairs))
    return torch.cat(rows)  # type: ignore[arg-type]


@torch.no_grad()
def moved(call: AttentionCall, gradient: Tensor) -> Tensor:
    """Mean over heads of max(v · g + |v| |g| / 2, 0), (..., batch, keys).

    Args:
        gradient: g, (..., batch, heads, keys, head width).
    """
    value = at_least_float32(call.value)
    taken_up, most = (value * gradient).sum(-1), value.norm(dim=-1) * gradient.norm(dim=-1)
    of_heads: Tensor = (taken_up + most / 2).relu()
    return of_heads.mean(-2)
