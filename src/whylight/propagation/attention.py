"""Relevance through attention, O = softmax(Q Kᵀ) V, in tiles: memory stays linear in the number of tokens.

Chefer et al., CVPR 2021: a product of two tensors gives each operand half of operand · gradient(R/Z),

    R_A = A * (S Vᵀ) / 2        R_V = V * (Aᵀ S) / 2        with S = R_O / O
    R_Q = Q * (S' K) / 2        R_K = K * (S'ᵀ Q) / 2       with S' = R_A / (Q Kᵀ), the softmax handing R_A on unchanged
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from whylight.attention import AttentionCall, kernels
from whylight.attention.call import at_least_float32
from whylight.attention.reductions import tiles
from whylight.attention.rows import by_kernel, map_gradient, support
from whylight.propagation.rules import divide


def attention_relevance(
    relevance: Tensor,
    call: AttentionCall,
    query_carries: bool,
    key_carries: bool,
    copies: int,
    add: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Relevance of query, key and value.

    Args:
        relevance: R_O, like ``call.output``.
        query_carries, key_carries: False for a constant, such as a pooler's learned query: the other gets its half.
        copies: how many times the batch goes through together.
        add: the rule by which the scores get their part of the sum of scores and mask, where there is one. The mask
            is zero wherever relevance comes to.
    """
    query, key, value = at_least_float32(call.query), at_least_float32(call.key), at_least_float32(call.value)
    s = divide(relevance, at_least_float32(call.output))
    half = 0.5 if query_carries and key_carries else 1.0
    to_query, to_key, to_value = [], torch.zeros_like(key), torch.zeros_like(value)
    for tile in tiles(call, copies=copies):
        attention = call.attention(tile)
        to_value = to_value + attention.mT @ s[..., tile, :]
        map_relevance = attention * (s[..., tile, :] @ value.mT) * 0.5
        scores = query[..., tile, :] @ key.mT
        if add is not None:
            map_relevance, _ = add(map_relevance, scores * call.scale, torch.zeros_like(scores))
        s_map = divide(map_relevance, scores)
        to_query.append(s_map @ key)
        to_key = to_key + s_map.mT @ query[..., tile, :]
    return query * torch.cat(to_query, dim=-2) * half, key * to_key * half, value * to_value * 0.5


@torch.no_grad()
def row_times_relevance(call: AttentionCall, relevance: Tensor, row: Tensor, gradient: Tensor | None = None) -> Tensor:
    """row · M, (..., batch, keys), with M = mean over heads of relu(R_A), or of relu(R_A * ∂s/∂A) with a gradient.

    Args:
        relevance: R_O, (..., \\*call.output.shape).
        row: (..., batch, queries).
        gradient: ∂s/∂(call.output), shaped like relevance.
    """
    wide, gradients = at_least_float32(relevance), () if gradient is None else (gradient,)
    if kernels.usable(call, wide, *gradients):
        return by_kernel(call, row, divide(wide, at_least_float32(call.output)), *gradients).mean(-2) / 2
    total = row.new_zeros(call.keys)
    for tile, part in _map_tiles(call, relevance, row, gradient):
        total = total + torch.einsum("...bq,...bqk->...bk", row[..., tile], part)
    return total.expand(*relevance.shape[: -call.output.dim()], call.query.shape[0], call.keys)


@torch.no_grad()
def row_times_normalised(call: AttentionCall, relevance: Tensor, row: Tensor, gradient: Tensor | None = None) -> Tensor:
    """row · N, where N = I + M of :func:`row_times_relevance` with rows that sum to one."""
    total = torch.zeros_like(row)
    for tile, part in _map_tiles(call, relevance, row, gradient):
        weights = row[..., tile] / (1 + part.sum(-1))
        total = total + torch.einsum("...bq,...bqk->...bk", weights, part)
        total[..., tile] += weights
    return total


def _map_tiles(
    call: AttentionCall, relevance: Tensor, row: Tensor, gradient: Tensor | None
) -> Iterator[tuple[slice, Tensor]]:
    """Rows of M, (..., batch, rows, keys), tile by tile, where the row vector is not zero."""
    value, output = at_least_float32(call.value), at_least_float32(call.output)
    copies = relevance.shape[: -call.output.dim()].numel()
    for tile in tiles(call, copies=copies, rows=support(row)):
        s = divide(relevance[..., tile, :], output[..., tile, :])
        part = (s @ value.mT).mul_(call.attention(tile)).mul_(0.5)
        if gradient is not None:
            part.mul_(map_gradient(call, gradient, tile))
        yield tile, part.relu_().mean(-3)
