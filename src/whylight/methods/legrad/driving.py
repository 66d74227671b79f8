"""Driving pre-norm blocks while noting what LeGrad's closed form needs of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import record_attention
from whylight.attention.function_mode import Function, FunctionMode
from whylight.methods.legrad.closed_form import RecordedLayer
from whylight.models.pre_norm import PreNormBlock
from whylight.models.view import Pass, View
from whylight.passes.layers import the_call


def recorded_layers(
    view: View, run: Pass, anatomy: Sequence[PreNormBlock], *, first: int, weights: Tensor, output: bool = False
) -> Iterator[RecordedLayer]:
    """Drive the blocks and yield, layer by layer, what all prompts share.

    Args:
        anatomy: the parts of every block.
        first: layer to start from.
        weights: ω.
        output: the last block's tokens are wanted too. Otherwise only their mean is, and is taken before W₂.
    """
    tokens, last = run.tokens, len(run.blocks) - 1
    for layer, (block, parts) in enumerate(zip(run.blocks, anatomy, strict=True)):
        with torch.no_grad():
            if layer < first:
                tokens = block(tokens)
                continue
            whole = nullcontext() if output or layer < last else _MeanBeforeLinear(parts.second.weight, weights)
            with record_attention() as calls, _capture(parts) as seen, whole:
                tokens = block(tokens)
            pooled = torch.einsum("n,bnw->bw", weights.to(tokens.dtype), tokens)
        call, dtype = the_call(calls, view, layer), parts.first.weight.dtype  # the same but under autocast
        yield RecordedLayer(layer, parts, call, pooled, seen.before_norm.to(dtype), seen.hidden.to(dtype))


@dataclass
class _Seen:
    """What one block computed on its way: the tokens before the MLP's norm, and the MLP's hidden values."""

    before_norm: Tensor = field(init=False)
    hidden: Tensor = field(init=False)


@contextmanager
def _capture(parts: PreNormBlock) -> Iterator[_Seen]:
    seen = _Seen()
    with _Capture(parts, seen):
        yield seen


class _Capture(FunctionMode):
    def __init__(self, parts: PreNormBlock, seen: _Seen) -> None:
        super().__init__()
        self.norm_weight = parts.norm.weight
        self.first_weight = parts.first.weight
        self.seen = seen

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = func(*args, **kwargs)
        if func is F.layer_norm and any(argument is self.norm_weight for argument in (*args, *kwargs.values())):
            self.seen.before_norm = args[0]
        elif func is F.linear and any(argument is self.first_weight for argument in args):
            self.seen.hidden = result
        return result


class _MeanBeforeLinear(FunctionMode):
    """One linear layer gives every token the mean over tokens: a mean that follows comes out the same, for less."""

    def __init__(self, weight: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.weight, self.weights = weight, weights

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is F.linear and any(argument is self.weight for argument in args):
            values: Tensor = args[0]
            mean = torch.einsum("n,bnk->bk", self.weights.to(values.dtype), values)[:, None]
            return func(mean, *args[1:], **kwargs).expand(-1, values.shape[1], -1)
        return NotImplemented
