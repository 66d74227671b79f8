"""The gradient of a word's log-odds at the embeddings that enter the language model.

Simonyan et al., 2013, arXiv 1312.6034; times the input: Shrikumar et al., 2016, arXiv 1605.01713.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, Words, answer_pass


@answer_method(
    "input_gradient",
    summary="embedding times gradient of the word's log-odds, summed over features: signed",
    citation="Shrikumar et al., 2016, arXiv 1605.01713",
)
def input_gradient(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), signed."""
    driven = answer_pass(view, run)
    embedded = at_least_float32(driven.entering.detach()[0])
    return torch.stack([(_gradient(driven, word) * embedded).sum(-1) for word in words])


@answer_method(
    "gradient_norm",
    summary="length of the gradient of the word's log-odds at each embedding",
    citation="Simonyan et al., 2013, arXiv 1312.6034",
)
def gradient_norm(view: View, run: AnsweringPass, words: Sequence[Words]) -> Tensor:
    """(words, tokens), non-negative."""
    driven = answer_pass(view, run)
    return torch.stack([_gradient(driven, word).norm(dim=-1) for word in words])


def _gradient(driven: AnswerPass, word: Words) -> Tensor:
    (gradient,) = torch.autograd.grad(driven.score(word), driven.entering, retain_graph=True)
    return at_least_float32(gradient[0])
