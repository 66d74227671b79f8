"""Sums over heads and queries of attention-sized products, in tiles: memory stays linear in the number of tokens.

With O = A V, the gradient with respect to the map A is G_O Vᵀ (DESIGN: "gradients of attention maps need no attention
maps"), so a few rows of it at a time are enough. On CUDA, Triton kernels keep even those out of memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from whylight.attention import kernels
from whylight.attention.call import AttentionCall, at_least_float32

TILE_BYTES = {"cpu": 8 * 2**20, "cuda": 256 * 2**20}
"""How much one tile of an attention-sized product may take: the CPU's stays in its cache."""

TARGETS_BYTES = {"cpu": 2 * 2**20, "cuda": 256 * 2**20}
"""How much the whole maps of several targets may take to share one product; a CPU is quickest one target at a time."""


def tiles(call: AttentionCall, copies: int = 1, rows: slice = slice(None)) -> Iterator[slice]:
    """Slices of query rows such that ``copies`` x batch x heads x rows x keys numbers fit the memory budget."""
    start, stop, _ = rows.indices(call.queries)
    item = at_least_float32(call.value[:0]).element_size()
    row_bytes = copies * call.query.shape[0] * call.heads * call.keys * item
    size = max(1, TILE_BYTES.get(call.query.device.type, TILE_BYTES["cuda"]) // row_bytes)
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))


def gradient_relevance(
    call: AttentionCall,
    gradient: Tensor,
    *,
    rows: slice = slice(None),
    centred: bool = False,
    query_mask: Tensor | None = None,
) -> Tensor:
    """LeGrad's reduction: mean over heads and queries of relu(∂s/∂A), ∂s/∂A = G_O Vᵀ (LeGrad, equations 6 and 7).

    Args:
        call: the recorded attention.
        gradient: G_O, ∂s/∂(call.output): (..., batch, heads, queries, head width); leading dimensions are targets.
        rows: which queries to average over.
        centred: subtract each row's mean over the keys before the ReLU. Rows of A sum to one, so that part of the
            gradient says nothing.
        query_mask: (batch, queries), True for real tokens: the mean leaves padding out.

    Returns:
        (..., batch, keys), non-negative, at least float32; zero where no query may attend.
    """
    if query_mask is None and kernels.usable(call, gradient):
        from whylight.attention.kernels.gradient_relevance import mean_positive_gradient

        return mean_positive_gradient(call.value, gradient[..., rows, :], centred=centred)
    value = at_least_float32(call.value).transpose(-1, -2)
    lead, one = gradient.shape[: -value.dim()], gradient.shape[-value.dim() :]
    map_bytes = one[:-1].numel() * call.keys * value.element_size()
    together = max(1, TARGETS_BYTES.get(value.device.type, TARGETS_BYTES["cuda"]) // max(1, map_bytes))
    sums = [
        _positive_sum(call, some, value, rows, centred, query_mask)
        for some in gradient.reshape(-1, *one).split(together)
    ]
    total = torch.cat(sums).reshape(*lead, *sums[0].shape[1:])
    if query_mask is not None:
        count = query_mask[:, rows].sum(-1, keepdim=True).clamp(min=1)
        return total / (count * call.heads)
    return total / (len(range(*rows.indices(call.queries))) * call.heads)


def _positive_sum(
    call: AttentionCall, gradient: Tensor, value: Tensor, rows: slice, centred: bool, query_mask: Tensor | None
) -> Tensor:
    """Σ over heads and queries of relu(G_O Vᵀ), (targets, batch, keys), for value (batch, heads, head width, keys)."""
    total: Tensor | None = None
    for tile in tiles(call, copies=len(gradient), rows=rows):
        product = at_least_float32(gradient[..., tile, :]) @ value
        allowed = call.allowed(tile)
        if centred:
            product = product - _mean_over_keys(product, allowed)
        if allowed is not None:
            product = product * allowed
        if query_mask is not None:
            product = product * query_mask[:, None, tile, None]
        part = product.relu_().sum(dim=(-3, -2))
        total = part if total is None else total + part
    assert total is not None
    return total


def _mean_over_keys(product: Tensor, allowed: Tensor | None) -> Tensor:
    if allowed is None:
        return product.mean(-1, keepdim=True)
    return (product * allowed).sum(-1, keepdim=True) / allowed.expand(product.shape[-4:]).sum(-1, keepdim=True).clamp(
        min=1
    )
