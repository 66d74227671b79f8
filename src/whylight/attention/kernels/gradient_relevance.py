"""LeGrad's reduction as a kernel: sum over queries of relu(G_O Vᵀ), without a gradient map in memory."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from whylight.attention.kernels.head_width import block_sizes, head_options
from whylight.attention.kernels.tiles_of_heads import head_offset, main_and_rest_rows, place, products


def mean_positive_gradient(value: Tensor, gradient: Tensor, *, centered: bool = False) -> Tensor:
    """Mean over heads and queries of relu(G_O Vᵀ): (..., batch, keys), float32.

    Args:
        value: (batch, heads, keys, head width), any strides.
        gradient: G_O, (..., batch, heads, queries, head width), any strides; leading dimensions are targets.
        centered: subtract each row's mean over the keys before the ReLU: it is G_O times the mean of the values.
    """
    if centered:
        value = value.float() - value.float().mean(-2, keepdim=True)
    lead, (queries, width) = gradient.shape[:-4], gradient.shape[-2:]
    batch, heads, keys, _ = value.shape
    flat = gradient.reshape(lead.numel(), batch, heads, queries, width)
    total = torch.empty(len(flat), batch, heads, keys, dtype=torch.float32, device=value.device)
    widest = torch.promote_types(value.dtype, gradient.dtype)
    blocks = block_sizes(widest)
    grid = (len(flat) * batch * heads * triton.cdiv(keys, blocks.held),)
    with torch.cuda.device_of(value):
        _sum_over_queries[grid](
            flat,
            value,
            total,
            flat.stride(),
            value.stride(),
            batch,
            heads,
            queries,
            keys,
            KEYS=blocks.held,
            QUERIES=blocks.streamed,
            num_warps=blocks.warps,
            **head_options(width, widest, flat, value),
        )
    return total.sum(-2).div_(heads * queries).reshape(*lead, batch, keys)


@triton.jit
def _sum_over_queries(
    gradient,
    value,
    total,
    gradient_strides,
    value_strides,
    batch,
    heads,
    queries,
    keys,
    WIDTH: tl.constexpr,
    ALIGNED: tl.constexpr,
    MAIN: tl.constexpr,
    REST: tl.constexpr,
    KEYS: tl.constexpr,
    QUERIES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One block of keys of one head, one picture and one target; all queries stream past."""
    map_index, head, picture, target, key = place(keys, heads, batch, KEYS)
    gradient += target * gradient_strides[0] + head_offset(gradient_strides, picture, head, ALIGNED)
    value += head_offset(value_strides, picture, head, ALIGNED)
    main, rest = main_and_rest_rows(value, key, keys, value_strides, WIDTH, MAIN, REST)
    if gradient.dtype.element_ty == tl.float32:
        main, rest = main.to(tl.float32), rest.to(tl.float32)
    positive = tl.zeros((KEYS, QUERIES), dtype=tl.float32)
    for first in range(0, queries, QUERIES):
        query = first + tl.arange(0, QUERIES)
        product = products(main, rest, gradient, query, queries, gradient_strides, WIDTH, MAIN, REST, PRECISION)
        positive += tl.maximum(product, 0.0)
    tl.store(total + map_index * keys + key, tl.sum(positive, axis=1), mask=key < keys)
