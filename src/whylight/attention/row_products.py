"""A row vector times attention-sized maps, in tiles: rollout-like products in tokens² time and linear memory.

A product of maps over layers, read at one row, never needs a product of two maps: carry the row from the last layer
down. ``row`` is always (..., batch, queries): leading dimensions are targets, or several rows at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention import kernels
from whylight.attention.call import AttentionCall, at_least_float32
from whylight.attention.tiles import tiles


@torch.no_grad()
def attention_rows(call: AttentionCall, row: Tensor) -> Tensor:
    """row · A for every head: (..., batch, heads, keys)."""
    if kernels.usable(call):
        return by_kernel(call, row)
    total = _zeros(call, row, call.heads, call.keys)
    for tile in tiles(call, rows=support(row)):
        through = torch.einsum("...bq,bhqk->...bhk", tile.of_row(row), tile.attention())
        total[..., tile.pictures, :, tile.keys] += through
    return total


def row_times_attention(call: AttentionCall, row: Tensor) -> Tensor:
    """row · mean over heads of A: (..., batch, keys)."""
    return attention_rows(call, row).mean(-2)


@torch.no_grad()
def gradient_rows(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · ∂s/∂A for every head: (..., batch, heads, keys); ``gradient`` is ∂s/∂(call.output)."""
    total = _zeros(call, row, call.heads, call.keys, like=gradient)
    for tile in tiles(call, copies=_copies(call, gradient), rows=support(row)):
        of_map = tile.map_gradient(gradient)
        total[..., tile.pictures, :, tile.keys] += torch.einsum("...bq,...bhqk->...bhk", tile.of_row(row), of_map)
    return total


@torch.no_grad()
def row_times_positive_gradient(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · mean over heads of relu(A * ∂s/∂A): (..., batch, keys)."""
    if kernels.usable(call, gradient):
        return by_kernel(call, row, gradient).mean(-2)
    total = _zeros(call, row, call.keys, like=gradient)
    for tile in tiles(call, copies=_copies(call, gradient), rows=support(row)):
        product = tile.map_gradient(gradient).relu_().mul_(tile.attention())
        total[..., tile.pictures, tile.keys] += torch.einsum("...bq,...bhqk->...bk", tile.of_row(row), product)
    return total / call.heads


@torch.no_grad()
def rows_for_and_against(call: AttentionCall, gradient: Tensor, rows: Tensor) -> Tensor:
    """Of two rows the first · mean over heads of relu(A * ∂s/∂A), the second · that of relu(-A * ∂s/∂A).

    Args:
        rows: (2, ..., batch, queries).

    Returns:
        (2, ..., batch, keys).
    """
    if kernels.usable(call, gradient):
        return torch.stack([by_kernel(call, rows[0], gradient), by_kernel(call, rows[1], -gradient)]).mean(-2)
    total = _zeros(call, rows, call.keys, like=gradient[None])
    for tile in tiles(call, copies=2 * _copies(call, gradient), rows=support(rows)):
        product = tile.map_gradient(gradient).mul_(tile.attention())
        speaking_for, against = tile.of_row(rows)
        total[0][..., tile.pictures, tile.keys] += torch.einsum("...bq,...bhqk->...bk", speaking_for, product.relu())
        total[1][..., tile.pictures, tile.keys] += torch.einsum("...bq,...bhqk->...bk", against, product.neg_().relu_())
    return total / call.heads


@torch.no_grad()
def row_times_means(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · (mean over heads of A * mean over heads of relu(∂s/∂A)): (..., batch, keys)."""
    total = _zeros(call, row, call.keys, like=gradient)
    for tile in tiles(call, copies=_copies(call, gradient), rows=support(row)):
        product = tile.map_gradient(gradient).relu_().mean(-3).mul_(tile.attention().mean(-3))
        total[..., tile.pictures, tile.keys] += torch.einsum("...bq,...bqk->...bk", tile.of_row(row), product)
    return total


@torch.no_grad()
def value_gradients(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """What the score gains by every value through the queries of the row: Σ over q of row[q] A[q, i] ∂s/∂O_q.

    Args:
        gradient: G_O = ∂s/∂(call.output), (..., batch, heads, queries, head width).

    Returns:
        (..., batch, heads, keys, head width), at least float32. Of a row of ones it is ∂s/∂(call.value).
    """
    total = _zeros(call, row, call.heads, call.keys, call.value.shape[-1], like=gradient)
    for tile in tiles(call, rows=support(row)):
        weighted = at_least_float32(tile.of_queries(gradient)) * tile.of_row(row)[..., None, :, None]
        total[..., tile.pictures, :, tile.keys, :] += tile.attention().transpose(-1, -2) @ weighted
    return total


def support(row: Tensor) -> slice:
    """The rows of the map that count: from the first place where any row vector is not zero to the last."""
    used = row.ne(0).flatten(0, -2).any(0).nonzero().flatten().tolist()
    return slice(used[0], used[-1] + 1) if used else slice(0, 0)


def by_kernel(call: AttentionCall, row: Tensor, *factors: Tensor) -> Tensor:
    """row · (A * relu(product of F Vᵀ over the factors F)) for every head: (..., batch, heads, keys), float32.

    Only where :func:`whylight.attention.kernels.usable` says so.
    """
    from whylight.attention.kernels.row_products import row_products

    rows = support(row)
    query, some = call.query[..., rows, :], tuple(factor[..., rows, :] for factor in factors)
    return row_products(query, call.key, call.value, call.scale, row[..., rows], some)


def _copies(call: AttentionCall, gradient: Tensor) -> int:
    return gradient.shape[: -call.output.dim()].numel()


def _zeros(call: AttentionCall, row: Tensor, *last: int, like: Tensor | None = None) -> Tensor:
    lead = row.shape[:-2]
    if like is not None:
        lead = torch.broadcast_shapes(lead, like.shape[: -call.output.dim()])
    return row.new_zeros(*lead, row.shape[-2], *last)
