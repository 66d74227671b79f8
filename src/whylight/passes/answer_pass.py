"""A forced answer driven once and recorded, and the gradients of its words' log-odds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from whylight.attention import AttentionCall, record_attention
from whylight.attention.call import at_least_float32
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.layers import layer_index, run_blocks, the_call
from whylight.passes.log_odds import log_odds
from whylight.passes.sharing import already_made, shared, sharing

_LEAVING, _KEYS = ("leaving",), ("picture keys",)


@dataclass(frozen=True)
class Words:
    """One target: some tokens of an answer, each at the row that predicts it.

    Attributes:
        rows: positions in the sequence, one for each token.
        ids: the tokens.
        against: a token for each, rather than which; None: rather than any other.
    """

    rows: tuple[int, ...]
    ids: tuple[int, ...]
    against: tuple[int, ...] | None = None

    def score(self, logits: Tensor) -> Tensor:
        """The sum over its tokens of their log-odds, or of their logit minus the other's: a scalar.

        Args:
            logits: at :attr:`rows`, (rows, words).
        """
        ids = torch.tensor(self.ids, device=logits.device)[:, None]
        if self.against is None:
            return log_odds(logits, ids).sum()
        against = torch.tensor(self.against, device=logits.device)[:, None]
        return (logits.gather(1, ids) - logits.gather(1, against)).sum()


@dataclass(frozen=True)
class AnswerPass:
    """One question with its answer, a batch of one, on its way through the language model.

    Attributes:
        run: the pass.
        entering: what entered the first layer that was driven with a graph, a leaf that gradients can be asked of.
        calls: attention of the layers that are asked for, to the last one.
        leaving: tokens after the last layer.
        begins: the first row of the sequence that was driven: queries, and tokens entering and leaving, are from it on.
    """

    run: AnsweringPass
    entering: Tensor
    calls: list[AttentionCall]
    leaving: Tensor
    begins: int = 0

    @property
    def tokens(self) -> int:
        return self.begins + self.leaving.shape[1]

    @property
    def picture(self) -> Tensor:
        """(tokens,), True at the picture's."""
        return self.run.image[0]

    def score(self, words: Words) -> Tensor:
        rows = torch.tensor(words.rows, device=self.leaving.device) - self.begins
        return words.score(at_least_float32(self.run.head(self.leaving[0, rows])))

    def gradients(self, words: Words) -> list[Tensor]:
        """G_O of every recorded call, (1, heads, tokens, head width), of the target's score."""
        return list(torch.autograd.grad(self.score(words), [c.output for c in self.calls], retain_graph=True))

    def predicting(self, words: Words) -> Tensor:
        """A row vector (1, tokens): the mean of the rows that predict the target's tokens."""
        row = at_least_float32(self.leaving).new_zeros(1, self.tokens)
        row[0, list(words.rows)] = 1 / len(words.rows)
        return row.detach()

    def telling(self, words: Words) -> Tensor:
        """A row vector over what was driven, (1, tokens - begins): ones from the first token behind the picture to the
        last predicting row."""
        row = at_least_float32(self.leaving).new_zeros(1, self.tokens)
        row[0, min(self.run.behind, min(words.rows)) : max(words.rows) + 1] = 1
        return row[:, self.begins :].detach()


def answer_pass(view: View, run: AnsweringPass, start_layer: int = 0) -> AnswerPass:
    """Drive a forced answer and record every layer from ``start_layer`` on (negative: from the end).

    Inside :func:`whylight.passes.sharing.shared_passes` what was driven before, and holds these layers, serves again.

    Raises:
        BadInput: no such layer.
        UnsupportedModel: a layer hides its attention.
    """
    first, graph = layer_index(start_layer, len(run.blocks)), torch.is_grad_enabled()
    kept = kept_pass(view, run, first, graph=graph)
    return kept or shared(view, run, _kind(first, graph), lambda: _driven(view, run, first))


def kept_pass(view: View, run: AnsweringPass, first: int, *, graph: bool) -> AnswerPass | None:
    """What :func:`answer_pass` drove before, the layers from ``first`` on; a pass with a graph serves those who need
    none, too."""
    for start, with_graph in ((first, True), (first, graph), (0, True), (0, graph)):
        kept: AnswerPass | None = already_made(view, run, _kind(start, with_graph))
        if kept is not None:
            return replace(kept, calls=kept.calls[first - len(run.blocks) :])
    return None


def _kind(first: int, graph: bool) -> tuple[object, ...]:
    return "answer", first, graph


def _driven(view: View, run: AnsweringPass, first: int) -> AnswerPass:
    with torch.no_grad():
        tokens = run_blocks(run, run.tokens.detach(), stop=first)
    entering = tokens.detach().requires_grad_(torch.is_grad_enabled())
    tokens, recorded = entering, []
    for layer, block in enumerate(run.blocks[first:], first):
        with record_attention() as calls:
            tokens = block(tokens)
        recorded.append(the_call(calls, view, layer, tokens.shape[1]))
    shared(view, run, _LEAVING, tokens.detach)
    return AnswerPass(run, entering, recorded, tokens)


@torch.no_grad()
def leaving_tokens(view: View, run: AnsweringPass) -> Tensor:
    """Tokens after the last layer, (1, tokens, width), without a graph; inside
    :func:`whylight.passes.sharing.shared_passes` those of whichever pass came before."""
    return shared(view, run, _LEAVING, lambda: run_blocks(run, run.tokens))


@torch.no_grad()
def picture_keys(view: View, run: AnsweringPass) -> list[Tensor]:
    """Every layer's keys at the picture's tokens, (1, heads, picture tokens, head width); shared as
    :func:`leaving_tokens` is, but for passes that recorded some of the layers alone."""
    kept = kept_pass(view, run, 0, graph=False)
    calls = (layer.call for layer in layer_by_layer(view, run)) if kept is None else iter(kept.calls)
    return shared(view, run, _KEYS, lambda: [_picture_keys(call, run) for call in calls])


def _picture_keys(call: AttentionCall, run: AnsweringPass) -> Tensor:
    return call.key[:, :, run.image[0]]


@dataclass(frozen=True)
class DrivenLayer:
    """One decoder layer on its way: tokens in and out, (batch, tokens, width), and its attention."""

    index: int
    entering: Tensor
    leaving: Tensor
    call: AttentionCall


@torch.no_grad()
def layer_by_layer(view: View, run: AnsweringPass, first: int = 0) -> Iterator[DrivenLayer]:
    """The layers from ``first`` on, one after the other; none is held."""
    tokens, keys = run.tokens, []
    for layer, block in enumerate(run.blocks):
        entering = tokens
        with record_attention() as calls:
            tokens = block(entering)
        call = the_call(calls, view, layer, entering.shape[1])
        if sharing():
            keys.append(_picture_keys(call, run))
        if layer >= first:
            yield DrivenLayer(layer, entering, tokens, call)
    shared(view, run, _LEAVING, lambda: tokens)
    shared(view, run, _KEYS, lambda: keys)


def some_rows(call: AttentionCall, rows: Tensor) -> AttentionCall:
    """The same attention of some of its queries alone."""
    mask = call.mask
    if call.is_causal:
        mask = torch.arange(call.keys, device=rows.device) <= rows[:, None]
    elif mask is not None and mask.shape[-2] > 1:
        mask = mask[..., rows, :]
    query, output = call.query[..., rows, :], call.output[..., rows, :]
    return replace(call, query=query, output=output, mask=mask, is_causal=False)
