"""The output projection of a block's attention, read from the block as it runs, whatever the family calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function
from whylight.attention.replacing import ReplaceAttention
from whylight.attention.residual import ResidualStream
from whylight.errors import UnsupportedModel

_SCALE = 256.0
"""Basis vectors enter this large, so that the bias beside them costs the weights no digits in half precision."""


@dataclass(frozen=True)
class OutputProjection:
    """From what the heads give, A V, to what the block adds to its tokens: O W + b (layer scale included).

    Attributes:
        weight: (heads, head width, width), at least float32.
        bias: (width,).
    """

    weight: Tensor
    bias: Tensor

    def __call__(self, heads: Tensor) -> Tensor:
        """(batch, heads, tokens, head width) of all heads to (batch, tokens, width)."""
        return torch.einsum("bhnd,hdw->bnw", at_least_float32(heads), self.weight) + self.bias


@torch.no_grad()
def output_projection(block: Callable[[Tensor], Tensor], tokens: Tensor) -> OutputProjection:
    """The output projection of the attention inside a pre-norm block.

    The way from A V to the residual stream is affine and the same for every token, so the block is run up to there
    with the unit vectors in the place of A V: each comes out as one row of the weight, a zero vector as the bias.

    Args:
        block: takes and returns tokens.
        tokens: (batch, tokens, width), of which only shape, dtype and device matter here.

    Raises:
        UnsupportedModel: the block adds its attention to nothing, or not to its tokens.
    """
    rows = tokens.shape[0] * tokens.shape[1]
    shape: list[int] = []
    parts: list[Tensor] = []
    while not parts or len(parts) * rows <= shape[0] * shape[1]:
        start = len(parts) * rows

        def unit_vectors(query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            shape[:] = query.shape[1], value.shape[-1]
            basis = query.new_zeros(rows, shape[0] * shape[1])
            basis.diagonal(start).fill_(_SCALE)  # noqa: B023 (called within this round)
            return basis.reshape(*tokens.shape[:2], *shape).transpose(1, 2)

        parts.append(_attention_branch(block, tokens, unit_vectors).flatten(0, 1))
    projected = at_least_float32(torch.cat(parts))
    size = shape[0] * shape[1]
    bias = projected[size]
    return OutputProjection(((projected[:size] - bias) / _SCALE).reshape(*shape, -1), bias)


class _Reached(Exception):
    """The block has added its attention to its tokens; the rest of it is not needed."""


class _FirstBranch(ResidualStream):
    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = super().handle(func, args, kwargs)
        if self.branches:
            raise _Reached
        return result


def _attention_branch(block: Callable[[Tensor], Tensor], tokens: Tensor, attend: Callable[..., Tensor]) -> Tensor:
    stream = _FirstBranch(tokens)
    try:
        with stream, ReplaceAttention(attend):
            block(tokens)
    except _Reached:
        return stream.branches[0]
    raise UnsupportedModel("a block does not add its attention to its tokens, so its output projection cannot be told")
