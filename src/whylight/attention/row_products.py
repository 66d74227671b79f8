"""A row vector times attention-sized maps, in tiles: rollout-like products in tokens² time and linear memory.

A product of maps over layers, read at one row, never needs a product of two maps: carry the row from the last layer
down. ``row`` is always (..., batch, queries): leading dimensions are targets, or several rows at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.attention import kernels
from whylight.attention.call import AttentionCall, at_least_float32
from whylight.attention.tiles import maps_together, tiles


@torch.no_grad()
def attention_rows(call: AttentionCall, row: Tensor) -> Tensor:
    """row · A for every head: (..., batch, heads, keys)."""
    if kernels.usable(call):
        return by_kernel(call, row)
    total = row.new_zeros(*row.shape[:-1], call.heads, call.keys)
    for tile in tiles(call, rows=support(row)):
        total[..., tile.pictures, :, tile.keys] += _times_map(tile.of_row(row), tile.attention())
    return total


def row_times_attention(call: AttentionCall, row: Tensor) -> Tensor:
    """row · mean over heads of A: (..., batch, keys)."""
    return attention_rows(call, row).mean(-2)


@torch.no_grad()
def gradient_rows(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · ∂s/∂A for every head: (..., batch, heads, keys); ``gradient`` is ∂s/∂(call.output)."""
    each = _Targets.of(call, gradient, row)
    total = each.zeros(call.heads, call.keys)
    for tile in tiles(call, rows=support(row)):
        for some, its_gradient, its_row in each:
            of_map = tile.map_gradient(its_gradient)
            total[some, tile.pictures, :, tile.keys] += _times_maps(tile.of_row(its_row), of_map)
    return each.restored(total)


@torch.no_grad()
def row_times_positive_gradient(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · mean over heads of relu(A * ∂s/∂A): (..., batch, keys)."""
    if kernels.usable(call, gradient):
        return by_kernel(call, row, gradient).mean(-2)
    each = _Targets.of(call, gradient, row)
    total = each.zeros(call.keys)
    for tile in tiles(call, rows=support(row)):
        attention = tile.attention()
        for some, its_gradient, its_row in each:
            product = tile.map_gradient(its_gradient).relu_().mul_(attention)
            total[some, tile.pictures, tile.keys] += _times_maps(tile.of_row(its_row), product).sum(-2)
    return each.restored(total) / call.heads


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
    each, against = _Targets.of(call, gradient, rows[0]), _Targets.of(call, gradient, rows[1])
    total = torch.stack([each.zeros(call.keys), against.zeros(call.keys)])
    for tile in tiles(call, rows=support(rows)):
        attention = tile.attention()
        for (some, its_gradient, row_for), (_, _, row_against) in zip(each, against, strict=True):
            product = tile.map_gradient(its_gradient).mul_(attention)
            speaking_for = _times_maps(tile.of_row(row_for), product.relu())
            speaking_against = _times_maps(tile.of_row(row_against), product.neg_().relu_())
            total[0, some, tile.pictures, tile.keys] += speaking_for.sum(-2)
            total[1, some, tile.pictures, tile.keys] += speaking_against.sum(-2)
    return torch.stack([each.restored(one) for one in total]) / call.heads


@torch.no_grad()
def row_times_means(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """row · (mean over heads of A * mean over heads of relu(∂s/∂A)): (..., batch, keys)."""
    each = _Targets.of(call, gradient, row)
    total = each.zeros(call.keys)
    for tile in tiles(call, rows=support(row)):
        attention = tile.attention().mean(-3)
        for some, its_gradient, its_row in each:
            product = tile.map_gradient(its_gradient).relu_().mean(-3).mul_(attention)
            total[some, tile.pictures, tile.keys] += (tile.of_row(its_row)[..., None, :] @ product).squeeze(-2)
    return each.restored(total)


@torch.no_grad()
def value_gradients(call: AttentionCall, gradient: Tensor, row: Tensor) -> Tensor:
    """What the score gains by every value through the queries of the row: Σ over q of row[q] A[q, i] ∂s/∂O_q.

    Args:
        gradient: G_O = ∂s/∂(call.output), (..., batch, heads, queries, head width).

    Returns:
        (..., batch, heads, keys, head width), at least float32. Of a row of ones it is ∂s/∂(call.value).
    """
    each = _Targets.of(call, gradient, row)
    total = each.zeros(call.heads, call.keys, call.value.shape[-1])
    for tile in tiles(call, rows=support(row)):
        attention = tile.attention().transpose(-1, -2)
        for some, its_gradient, its_row in each:
            weighted = at_least_float32(tile.of_queries(its_gradient)) * tile.of_row(its_row)[..., None, :, None]
            total[some, tile.pictures, :, tile.keys, :] += attention @ weighted
    return each.restored(total)


@dataclass(frozen=True)
class _Targets:
    """Gradients and row vectors of all targets, (targets, batch, ...), to be gone through a few at a time: a tile of A
    serves all of them."""

    lead: torch.Size
    gradient: Tensor
    row: Tensor
    chunks: list[slice]

    @classmethod
    def of(cls, call: AttentionCall, gradient: Tensor, row: Tensor) -> _Targets:
        own, of_row = gradient.shape[-call.output.dim() :], row.shape[-2:]
        lead = torch.broadcast_shapes(gradient.shape[: -call.output.dim()], row.shape[:-2])
        flat = gradient.expand(*lead, *own).reshape(-1, *own), row.expand(*lead, *of_row).reshape(-1, *of_row)
        return cls(lead, *flat, maps_together(call, lead.numel(), of_each=len(call.query)))

    def __iter__(self) -> Iterator[tuple[slice, Tensor, Tensor]]:
        return ((some, self.gradient[some], self.row[some]) for some in self.chunks)

    def zeros(self, *last: int) -> Tensor:
        return self.row.new_zeros(*self.row.shape[:2], *last)

    def restored(self, total: Tensor) -> Tensor:
        return total.reshape(*self.lead, *total.shape[1:])


def _times_map(row: Tensor, maps: Tensor) -> Tensor:
    """row · each head's map, the map one for all targets, (batch, heads, queries, keys): (..., batch, heads, keys)."""
    targets = row.reshape(-1, *row.shape[-2:]).transpose(0, 1)  # (batch, targets, queries)
    product = (targets[:, None] @ maps).movedim(2, 0)
    return product.reshape(*row.shape[:-1], *product.shape[-2:])


def _times_maps(row: Tensor, maps: Tensor) -> Tensor:
    """row · each head's map, every target with a map of its own, (..., batch, heads, queries, keys): (..., batch,
    heads, keys)."""
    return (row[..., None, None, :] @ maps).squeeze(-2)


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
