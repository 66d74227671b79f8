"""The rows from the question on, driven with a graph of their own.

Where no token before them sees any of them (a causal mask does that), no gradient comes back to them through such a
token: it is a constant, its keys and values too. So the whole sequence goes through without a graph, and the few rows
behind the picture once more with one: a backward pass is as short as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from whylight.attention import AttentionCall, ReplaceAttention, record_attention
from whylight.attention.arguments import AttentionArguments
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, answer_pass, kept_pass, layer_by_layer, some_rows
from whylight.passes.layers import layer_index
from whylight.passes.sharing import shared


def telling_pass(view: View, run: AnsweringPass, start_layer: int = 0) -> AnswerPass:
    """A forced answer, its rows behind the picture recorded from ``start_layer`` on: gradients at their attention are
    those of the whole sequence. All rows, where tokens before them see some of them, where there is no picture, or
    where all were driven before (:func:`whylight.passes.sharing.shared_passes`).

    Raises:
        BadInput: no such layer.
        UnsupportedModel: a layer hides its attention.
    """
    first = layer_index(start_layer, len(run.blocks))
    # Where a prompt ends with its picture, the picture's last token predicts the answer's first.
    begins = min(run.behind, run.tokens.shape[1] - run.answer - 1)
    kept = kept_pass(view, run, first, graph=True)
    if begins and kept is None:
        kept = shared(view, run, ("telling", first), lambda: _behind(view, run, first, begins))
    return kept or answer_pass(view, run, start_layer)


def _behind(view: View, run: AnsweringPass, first: int, begins: int) -> AnswerPass | None:
    rows = torch.arange(begins, run.tokens.shape[1], device=run.tokens.device)
    calls: list[AttentionCall] = []
    for layer in layer_by_layer(view, run, first):
        if _seen_before(layer.call, begins):
            return None
        if layer.index == first:
            tokens = entering = layer.entering[:, begins:].detach().requires_grad_()
        with torch.enable_grad(), record_attention() as recorded, ReplaceAttention(_Looking(layer.call, begins, rows)):
            tokens = run.row_blocks[layer.index](tokens, rows)
        calls += recorded
    return AnswerPass(run, entering, calls, tokens, begins)


class _Looking:
    """Attention of the last rows over the whole sequence, whose keys and values before them are known."""

    def __init__(self, call: AttentionCall, begins: int, rows: Tensor) -> None:
        self.key, self.value = (each[..., :begins, :].detach() for each in (call.key, call.value))
        self.mask, self.scale = some_rows(call, rows).mask, call.scale

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        own = AttentionArguments(*args, **kwargs).ungrouped()
        key, value = torch.cat([self.key, own.key], -2), torch.cat([self.value, own.value], -2)
        return AttentionArguments(own.query, key, value, self.mask, scale=self.scale).attend()


def _seen_before(call: AttentionCall, begins: int) -> bool:
    """Whether a token before the rows may look at one of them."""
    if call.is_causal:
        return False
    allowed = call.allowed(slice(0, begins))
    return allowed is None or bool(allowed[..., begins:].any())
