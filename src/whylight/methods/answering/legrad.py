"""LeGrad for answers: every layer's own reading of a word, and what at that layer's attention speaks for it.

    E = Σ over layers of mean over heads of relu(∂s_l/∂A_l - its mean over keys), at the row that predicts the word

with s_l the word's log-odds read at block l's own output, through the final norm and the head. The gradient is taken at
block l's attention alone, and all after it works on each row alone: so a block is run again for the asked rows only,
with their recorded attention put in, and one backward pass serves all words. Rows of A sum to one, so the mean over
keys says nothing and is taken off (``centered``).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention import AttentionCall, ReplaceAttention
from whylight.attention.call import at_least_float32
from whylight.attention.reductions import mean_over_keys
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, layer_by_layer, some_rows
from whylight.passes.layers import layer_index


@answer_method(
    "legrad",
    summary="positive gradient of each layer's own reading of the word at its attention, summed over layers",
    citation="Bousselham et al., 2024, arXiv 2404.03214",
)
def legrad(
    view: View, run: AnsweringPass, words: Sequence[Words], *, start_layer: int = 0, centered: bool = True
) -> Tensor:
    """(words, tokens), non-negative; of a word of several tokens the sum.

    Args:
        start_layer: first layer of the sum; negative counts from the end.
        centered: take each row's mean over the keys off before the ReLU.
    """
    first = layer_index(start_layer, len(run.blocks))
    places = [(i, row, k) for i, word in enumerate(words) for k, row in enumerate(word.rows)]
    rows = torch.tensor([row for _, row, _ in places], device=run.tokens.device)
    owner = torch.tensor([i for i, _, _ in places], device=rows.device)
    total = at_least_float32(run.tokens).new_zeros(len(words), run.tokens.shape[1])
    for layer, entering, call in layer_by_layer(view, run, first):
        cut = some_rows(call, rows)
        attended = cut.output.detach().requires_grad_()
        with torch.enable_grad():
            with ReplaceAttention(lambda *_, attended=attended, **__: attended):
                leaving = run.row_blocks[layer](entering[:, rows], rows)
            logits = at_least_float32(run.head(leaving[0]))
            score = torch.stack([_one(words[i], k).score(logits[at : at + 1]) for at, (i, _, k) in enumerate(places)])
        (gradient,) = torch.autograd.grad(score.sum(), attended)
        total.index_add_(0, owner, _positive(cut, gradient, centered))
    return total


def _one(word: Words, token: int) -> Words:
    """One token of a target."""
    against = None if word.against is None else word.against[token : token + 1]
    return Words(word.rows[token : token + 1], word.ids[token : token + 1], against)


def _positive(call: AttentionCall, gradient: Tensor, centered: bool) -> Tensor:
    """Mean over heads of relu(G_O Vᵀ), row by row: (rows, keys)."""
    product, allowed = call.map_gradient(gradient), call.allowed()
    if centered:
        product = product - mean_over_keys(product, allowed)
        product = product if allowed is None else product * allowed
    return product.relu().mean(1)[0]
