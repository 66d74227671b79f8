"""How strongly an attention map and its gradient go together, in tiles."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from whylight.attention.call import AttentionCall, at_least_float32
from whylight.attention.row_products import value_gradients
from whylight.attention.tiles import tiles


@torch.no_grad()
def sum_of_absolute_products(call: AttentionCall, gradient: Tensor) -> Tensor:
    """Sum over all entries of |Aᵀ ∂s/∂A| for every head: (..., batch, heads).

    Args:
        gradient: G_O = ∂s/∂(call.output), (..., batch, heads, queries, head width); leading dimensions are targets.
    """
    if call.is_causal or (call.mask is not None and call.mask.shape[-2] != 1):
        return _whole_maps(call, gradient)
    # Aᵀ (G_O Vᵀ) = (Aᵀ G_O) Vᵀ: the first product is as small as the values.
    gradient, value = at_least_float32(gradient), at_least_float32(call.value)
    lead = gradient.shape[: -value.dim()]
    product = value_gradients(call, gradient, gradient.new_ones(len(call.query), call.queries))
    allowed = call.allowed(slice(0, 1))
    if allowed is not None:
        value = value * allowed.transpose(-1, -2)
    total = gradient.new_zeros(*lead, *value.shape[:2])
    for tile in tiles(replace(call, query=call.key), copies=lead.numel()):  # rows of this product are keys
        part = tile.of_queries(product) @ value[tile.pictures].transpose(-1, -2)
        total[..., tile.pictures, :] += part.abs_().sum((-2, -1))
    return total


def _whole_maps(call: AttentionCall, gradient: Tensor) -> Tensor:
    """Masks that differ from row to row leave no such shortcut: one target's whole maps of this layer at a time."""
    attention = call.attention().transpose(-1, -2)
    flat = gradient.reshape(-1, *call.output.shape)
    sums = [(attention @ call.map_gradient(one)).abs_().sum((-2, -1)) for one in flat]
    return torch.stack(sums).reshape(gradient.shape[:-2])
