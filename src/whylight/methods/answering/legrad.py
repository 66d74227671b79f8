"""LeGrad for answers: every layer's own reading of a word, and what at that layer's attention speaks for it.

    E = Σ over layers of mean over heads of relu(∂s_l/∂A_l - its mean over keys), at the row that predicts the word

with s_l the word's log-odds read at block l's own output, through the final norm and the head. The gradient is taken at
block l's attention alone, and all after it works on each row alone: so a block is run again for the asked rows only,
with their recorded attention put in, and one backward pass serves all words; the head, which is most of the work, reads
several layers at once. Rows of A sum to one, so the mean over keys says nothing and is taken off (``centered``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import torch
from torch import Tensor

from whylight.attention import AttentionCall, ReplaceAttention
from whylight.attention.call import at_least_float32
from whylight.attention.reductions import mean_over_keys
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import DrivenLayer, Words, layer_by_layer, some_rows
from whylight.passes.layers import layer_index

LOGIT_BYTES = 24 * 2**20
"""How much the logits of the layers that share one product with the head may take: more is given back to the system and
got again page by page, which costs more than the larger product saves. Of a head so large that reading it costs more
still, a sixteenth of the head itself."""


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
    rows = torch.tensor([row for word in words for row in word.rows], device=run.tokens.device)
    owner = torch.tensor([i for i, word in enumerate(words) for _ in word.rows], device=rows.device)
    total = at_least_float32(run.tokens).new_zeros(len(words), run.tokens.shape[1])
    each = (_AskedRows.of(layer, rows) for layer in layer_by_layer(view, run, first))
    logit_bytes = max(LOGIT_BYTES, run.vocabulary.nbytes // 16)
    together = max(1, logit_bytes // (4 * len(run.vocabulary) * len(rows)))
    while layers := list(islice(each, together)):
        gradients = _log_odds_gradients(run, torch.cat([layer.leaving for layer in layers]), words)
        for layer, gradient in zip(layers, gradients, strict=True):
            total.index_add_(0, owner, _positive(layer.call, layer.at_attention(run, gradient), centered))
    return total


@dataclass(frozen=True)
class _AskedRows:
    """The rows of one layer that words are read from: tokens in and out (1, rows, width), and their attention."""

    index: int
    rows: Tensor
    entering: Tensor
    leaving: Tensor
    call: AttentionCall

    @classmethod
    def of(cls, layer: DrivenLayer, rows: Tensor) -> _AskedRows:
        entering, leaving = layer.entering[:, rows], layer.leaving[:, rows]
        return cls(layer.index, rows, entering, leaving, some_rows(layer.call, rows))

    def at_attention(self, run: AnsweringPass, gradient: Tensor) -> Tensor:
        """G_O, (1, heads, rows, head width), of the gradient at what leaves the block, (rows, width)."""
        attended = self.call.output.detach().requires_grad_()
        with torch.enable_grad(), ReplaceAttention(lambda *_, **__: attended):
            leaving = run.row_blocks[self.index](self.entering, self.rows)
        return torch.autograd.grad(leaving, attended, gradient[None])[0]


def _log_odds_gradients(run: AnsweringPass, tokens: Tensor, words: Sequence[Words]) -> Tensor:
    """Of all words' scores, at tokens (layers, rows, width) that go through the final norm and the head."""
    gradients, begun = [], 0
    for _, alike in groupby(words, lambda word: word.against is None):
        together = list(alike)
        ended = begun + sum(len(word.rows) for word in together)
        leaf = tokens[:, begun:ended].detach().requires_grad_()
        with torch.enable_grad():
            score = _one_target(together * len(tokens)).score(at_least_float32(run.head(leaf)).flatten(0, 1))
        gradients.append(torch.autograd.grad(score, leaf)[0])
        begun = ended
    return torch.cat(gradients, dim=1)


def _one_target(words: Sequence[Words]) -> Words:
    """Words whose scores are taken together: their sum."""
    against = [token for word in words for token in word.against or ()]
    return Words(
        rows=tuple(row for word in words for row in word.rows),
        ids=tuple(token for word in words for token in word.ids),
        against=tuple(against) or None,
    )


def _positive(call: AttentionCall, gradient: Tensor, centered: bool) -> Tensor:
    """Mean over heads of relu(G_O Vᵀ), row by row: (rows, keys)."""
    product, allowed = call.map_gradient(gradient), call.allowed()
    if centered:
        product = product - mean_over_keys(product, allowed)
        product = product if allowed is None else product * allowed
    return product.relu().mean(1)[0]
