"""Layers with a weight, and products of matrices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function
from whylight.propagation.handlers.elementwise import proportional
from whylight.propagation.mode import Propagation


def linear(mode: Propagation, func: Function, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if mode.carries(weight):
        raise mode.refuse(func, "with a weight that was computed from the input has no rule")
    return weighted(mode, x, weight.detach(), None if bias is None else bias.detach())


def weighted(mode: Propagation, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x weightᵀ + bias with a constant weight."""
    by_rule, flow = mode.rules.linear, mode.flow

    def back(relevance: Tensor, output: Tensor, x: Tensor) -> Tensor:
        exact = at_least_float32(output), at_least_float32(x), at_least_float32(weight)
        return by_rule(relevance, *exact, None if bias is None else at_least_float32(bias))

    def rule(relevance: Tensor, output: Tensor, x: Tensor) -> tuple[Tensor]:
        if flow.targets > 1 or weight.dim() > 2:
            return (back(relevance, output, x),)
        return (rows_with_relevance(back, relevance, output, x),)

    return mode.apply(lambda x: F.linear(x, weight, bias) if weight.dim() == 2 else x @ weight.mT, rule, x)


def rows_with_relevance(back: Function, relevance: Tensor, output: Tensor, x: Tensor) -> Tensor:
    """A linear rule for those rows only that relevance comes to: the others of a last block have none."""
    rows = torch.linalg.vector_norm(relevance.flatten(0, -2), torch.inf, dim=-1) > 0
    if 2 * int(rows.sum()) > len(rows):
        return back(relevance, output, x)  # type: ignore[no-any-return]
    result = torch.zeros_like(x, dtype=relevance.dtype)
    result.flatten(0, -2)[rows] = back(*(part.flatten(0, -2)[rows] for part in (relevance, output, x)))
    return result


def matmul(mode: Propagation, func: Function, u: Tensor, v: Tensor) -> Tensor:
    if mode.carries(u) and mode.carries(v):
        return proportional(mode, func, u, v)
    if mode.carries(u):
        return weighted(mode, u, v.detach().mT, None)
    return weighted(mode, v.mT, u.detach(), None).mT
