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
from whylight.attention.row_products import by_kernel, support
from whylight.attention.tiles import Tile, tiles
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
    lead = s.shape[: -call.output.dim()]
    to_query, to_key, to_value = (s.new_zeros(*lead, *each.shape) for each in (query, key, value))
    for tile in tiles(call, copies=copies):
        of_output, queries = tile.of_queries(s), tile.of_queries(query)
        keys, values = key[tile.pictures, :, tile.keys], value[tile.pictures, :, tile.keys]
        attention = tile.attention()
        to_value[..., tile.pictures, :, tile.keys, :] += attention.mT @ of_output
        map_relevance = attention * (of_output @ values.mT) * 0.5
        scores = queries @ keys.mT
        if add is not None:
            map_relevance, _ = add(map_relevance, scores * call.scale, torch.zeros_like(scores))
        s_map = divide(map_relevance, scores)
        to_query[..., tile.pictures, :, tile.rows, :] = s_map @ keys
        to_key[..., tile.pictures, :, tile.keys, :] += s_map.mT @ queries
    return query * to_query * half, key * to_key * half, value * to_value * 0.5


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
    total = _zeros(call, relevance, row)
    for tile, part in _map_tiles(call, relevance, row, gradient):
        total[..., tile.pictures, tile.keys] += torch.einsum("...bq,...bqk->...bk", tile.of_row(row), part)
    return total


@torch.no_grad()
def row_times_normalized(call: AttentionCall, relevance: Tensor, row: Tensor, gradient: Tensor | None = None) -> Tensor:
    """row · N, where N = I + M of :func:`row_times_relevance` with rows that sum to one."""
    total = _zeros(call, relevance, row)
    for tile, part in _map_tiles(call, relevance, row, gradient):
        weights = tile.of_row(row) / (1 + part.sum(-1))
        total[..., tile.pictures, tile.keys] += torch.einsum("...bq,...bqk->...bk", weights, part)
        total[..., tile.pictures, tile.rows] += weights
    return total


def _zeros(call: AttentionCall, relevance: Tensor, row: Tensor) -> Tensor:
    lead = torch.broadcast_shapes(row.shape[:-2], relevance.shape[: -call.output.dim()])
    return row.new_zeros(*lead, len(call.query), call.keys)


def _map_tiles(
    call: AttentionCall, relevance: Tensor, row: Tensor, gradient: Tensor | None
) -> Iterator[tuple[Tile, Tensor]]:
    """Rows of M, (..., batch, rows, keys), tile by tile, where the row vector is not zero."""
    output = at_least_float32(call.output)
    copies = relevance.shape[: -call.output.dim()].numel()
    for tile in tiles(call, copies=copies, rows=support(row)):
        s = divide(tile.of_queries(relevance), tile.of_queries(output))
        part = (s @ at_least_float32(tile.call.value).mT).mul_(tile.attention()).mul_(0.5)
        if gradient is not None:
            part.mul_(tile.map_gradient(gradient))
        yield tile, part.relu_().mean(-3)
