"""LeGrad's reduction of the gradient of an attention map, in tiles: memory stays linear in the number of tokens.

With O = A V, the gradient with respect to the map A is G_O Vᵀ (DESIGN: "gradients of attention maps need no attention
maps"), so a few rows of it at a time are enough. On CUDA, Triton kernels keep even those out of memory.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from whylight.attention import kernels
from whylight.attention.call import AttentionCall, at_least_float32
from whylight.attention.tiles import maps_together, tiles


def gradient_relevance(
    call: AttentionCall,
    gradient: Tensor,
    *,
    rows: slice = slice(None),
    centered: bool = False,
    query_mask: Tensor | None = None,
) -> Tensor:
    """LeGrad's reduction: mean over heads and queries of relu(∂s/∂A), ∂s/∂A = G_O Vᵀ (LeGrad, equations 6 and 7).

    Args:
        call: the recorded attention.
        gradient: G_O, ∂s/∂(call.output): (..., batch, heads, queries, head width); leading dimensions are targets.
        rows: which queries to average over.
        centered: subtract each row's mean over the keys before the ReLU. Rows of A sum to one, so that part of the
            gradient says nothing.
        query_mask: (batch, queries), True for real tokens: the mean leaves padding out.

    Returns:
        (..., batch, keys), non-negative, at least float32; zero where no query may attend.
    """
    if query_mask is None and kernels.usable(call, gradient):
        from whylight.attention.kernels.gradient_relevance import mean_positive_gradient

        return mean_positive_gradient(call.value, gradient[..., rows, :], centered=centered)
    call = replace(call, value=at_least_float32(call.value))
    lead, one = gradient.shape[: -call.value.dim()], gradient.shape[-call.value.dim() :]
    targets = gradient.reshape(-1, *one)
    chunks = (targets[some] for some in maps_together(call, len(targets), of_each=len(call.query)))
    sums = [_positive_sum(call, chunk, rows, centered, query_mask) for chunk in chunks]
    total = torch.cat(sums).reshape(*lead, one[0], call.keys)
    if query_mask is not None:
        count = query_mask[:, rows].sum(-1, keepdim=True).clamp(min=1)
        return total / (count * call.heads)
    return total / (len(range(*rows.indices(call.queries))) * call.heads)


def _positive_sum(
    call: AttentionCall, gradient: Tensor, rows: slice, centered: bool, query_mask: Tensor | None
) -> Tensor:
    """Σ over heads and queries of relu(G_O Vᵀ), (targets, batch, keys)."""
    total = call.value.new_zeros(len(gradient), len(call.value), call.keys)
    for tile in tiles(call, copies=len(gradient), rows=rows):
        part = at_least_float32(tile.of_queries(gradient)).permute(1, 2, 0, 3, 4)
        value = tile.call.value.transpose(-1, -2)
        product = (part.flatten(2, 3) @ value).unflatten(2, part.shape[2:4])  # (batch, heads, targets, rows, keys)
        allowed = tile.allowed()
        if allowed is not None:
            allowed = allowed.unsqueeze(-3)
        if centered:
            product = product - mean_over_keys(product, allowed)
        if allowed is not None:
            product = product * allowed
        if query_mask is not None:
            product = product * query_mask[tile.pictures, None, None, tile.rows, None]
        total[:, tile.pictures, tile.keys] += product.relu_().sum(-2).sum(1).transpose(0, 1)
    return total


def mean_over_keys(product: Tensor, allowed: Tensor | None) -> Tensor:
    """Of a gradient of a map, (..., queries, keys), each row's mean over the keys that it may attend to: (..., 1)."""
    if allowed is None:
        return product.mean(-1, keepdim=True)
    return (product * allowed).sum(-1, keepdim=True) / allowed.expand(product.shape).sum(-1, keepdim=True).clamp(min=1)
