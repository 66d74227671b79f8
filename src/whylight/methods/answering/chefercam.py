"""CheferCAM at the row that predicts a word: :mod:`whylight.methods.chefercam` with that row as the readout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.row_products import row_times_positive_gradient
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, Words, answer_pass
from whylight.passes.tower_pass import TowerPass, tower_pass

GRADIENT_BYTES = 256 * 2**20
"""How much the gradients of the words that share one product may take."""


@answer_method(
    "chefercam",
    summary="attention times its positive gradient, mean over heads, multiplied through the layers",
    citation="Chefer et al., ICCV 2021, arXiv 2103.15679",
)
def chefercam(
    view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0, tower: bool = False
) -> Tensor:
    """(words, tokens), non-negative.

    Args:
        start_layer: first layer of the product; negative counts from the end.
        tower: go on through the tower's blocks, where its patches are the picture's tokens.
    """
    driven = answer_pass(view, run, start_layer)
    seen = tower_pass(view, run, start_layer) if tower else None
    rows = [row for some in _together(driven, words) for row in _product(driven, some)]
    if seen is not None:
        rows = [_through(seen, driven, word, row) for word, row in zip(words, rows, strict=True)]
    return torch.cat(rows)


def _product(driven: AnswerPass, words: Sequence[Words]) -> Tensor:
    """(words, 1, tokens)."""
    gradients = zip(*(driven.gradients(word) for word in words), strict=True)
    row = begun = torch.stack([driven.predicting(word) for word in words])
    for call, of_words in zip(reversed(driven.calls), reversed(list(gradients)), strict=True):
        row = _step(call, torch.stack(of_words), row)
    return row - begun


def _together(driven: AnswerPass, words: Sequence[Words]) -> list[Sequence[Words]]:
    """Words whose gradients are held at once: they share each layer's attention."""
    of_each = sum(call.output.nbytes for call in driven.calls)
    count = max(1, GRADIENT_BYTES // of_each)
    return [words[first : first + count] for first in range(0, len(words), count)]


def _through(seen: TowerPass, driven: AnswerPass, word: Words, row: Tensor) -> Tensor:
    gradients = seen.gradients(driven, word)
    return seen.carried(row, driven.picture, lambda at, row: _step(seen.calls[at], gradients[at], row))


def _step(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    return row + row_times_positive_gradient(call, gradient, row)
