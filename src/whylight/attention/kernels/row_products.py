"""A row vector times attention maps as a kernel: their entries are computed again where they are needed, never stored.

row · A                                     attention of each head (rollout, raw attention)
row · A relu(G_O Vᵀ)                        CheferCAM, whose relu(A * ∂s/∂A) this is, as A is positive
row · A relu((S Vᵀ) * (G_O Vᵀ))             Transformer Attribution, relu(R_A * ∂s/∂A) with R_A = A * (S Vᵀ) / 2
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from whylight.attention.kernels.head_width import block_sizes, head_options
from whylight.attention.kernels.log_sum_exp import log_sum_exp
from whylight.attention.kernels.tiles_of_heads import head_offset, main_and_rest_rows, place, products

_KEYS = 64
"""How many keys one program holds."""


def row_products(
    query: Tensor, key: Tensor, value: Tensor, scale: float, row: Tensor, factors: tuple[Tensor, ...] = ()
) -> Tensor:
    """row · (A * relu(product of F Vᵀ over the factors F)) for every head: (..., batch, heads, keys), float32.

    Args:
        query, key, value: (batch, heads, queries | keys, head width), any strides; A = softmax(scale · query keyᵀ).
        row: (..., batch, queries).
        factors: none, one or two tensors (..., batch, heads, queries, head width); leading dimensions are targets.
    """
    lead = torch.broadcast_shapes(row.shape[:-2], *(factor.shape[:-4] for factor in factors))
    batch, heads, queries, width = query.shape
    keys = key.shape[2]
    rows = _flat(row.float(), lead, 2)
    first, second = (_flat(factor, lead, 4) for factor in (*factors, query, query)[:2])
    total = torch.empty(len(rows), batch, heads, keys, dtype=torch.float32, device=query.device)
    widest = torch.promote_types(torch.promote_types(query.dtype, first.dtype), second.dtype)
    grid = (len(rows) * batch * heads * triton.cdiv(keys, _KEYS),)
    with torch.cuda.device_of(query):
        _sum_over_queries[grid](
            query,
            key,
            value,
            first,
            second,
            rows,
            log_sum_exp(query, key, scale),
            total,
            query.stride(),
            key.stride(),
            value.stride(),
            first.stride(),
            second.stride(),
            rows.stride(),
            batch,
            heads,
            queries,
            keys,
            scale,
            FACTORS=len(factors),
            KEYS=_KEYS,
            QUERIES=block_sizes(widest).streamed if len(factors) < 2 else 32,
            num_warps=4,
            num_stages=2,
            **head_options(width, widest, query, key, value, first, second),
        )
    return total.reshape(*lead, batch, heads, keys)


def _flat(tensor: Tensor, lead: torch.Size, own: int) -> Tensor:
    """One leading dimension, without a copy where there is none or one."""
    own_shape = tensor.shape[-own:]
    return tensor.expand(*lead, *own_shape).reshape(lead.numel(), *own_shape)


@triton.jit
def _sum_over_queries(
    query,
    key,
    value,
    factor,
    second,
    weight,
    log_sums,
    total,
    query_strides,
    key_strides,
    value_strides,
    factor_strides,
    second_strides,
    weight_strides,
    batch,
    heads,
    queries,
    keys,
    scale,
    WIDTH: tl.constexpr,
    ALIGNED: tl.constexpr,
    FACTORS: tl.constexpr,
    MAIN: tl.constexpr,
    REST: tl.constexpr,
    KEYS: tl.constexpr,
    QUERIES: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One block of keys of one head, one picture and one target; all queries stream past."""
    map_index, head, picture, target, column = place(keys, heads, batch, KEYS)
    query += head_offset(query_strides, picture, head, ALIGNED)
    key += head_offset(key_strides, picture, head, ALIGNED)
    value += head_offset(value_strides, picture, head, ALIGNED)
    factor += target * factor_strides[0] + head_offset(factor_strides, picture, head, ALIGNED)
    second += target * second_strides[0] + head_offset(second_strides, picture, head, ALIGNED)
    weight += target * weight_strides[0] + picture * weight_strides[1]
    log_sums += (picture * heads + head) * queries

    k, k_rest = main_and_rest_rows(key, column, keys, key_strides, WIDTH, MAIN, REST)
    v, v_rest = k, k_rest
    if FACTORS > 0:
        v, v_rest = main_and_rest_rows(value, column, keys, value_strides, WIDTH, MAIN, REST)
        if factor.dtype.element_ty == tl.float32:
            v, v_rest = v.to(tl.float32), v_rest.to(tl.float32)
    summed = tl.zeros((KEYS, QUERIES), dtype=tl.float32)
    for first in range(0, queries, QUERIES):
        row = first + tl.arange(0, QUERIES)
        inside = row < queries
        score = products(k, k_rest, query, row, queries, query_strides, WIDTH, MAIN, REST, PRECISION)
        log_sum = tl.load(log_sums + row, mask=inside, other=0.0)
        entry = tl.exp(score * scale - log_sum[None, :])
        if FACTORS > 0:
            product = products(v, v_rest, factor, row, queries, factor_strides, WIDTH, MAIN, REST, PRECISION)
            if FACTORS > 1:
                product *= products(v, v_rest, second, row, queries, second_strides, WIDTH, MAIN, REST, PRECISION)
            entry *= tl.maximum(product, 0.0)
        summed += entry * tl.load(weight + row * weight_strides[2], mask=inside, other=0.0)[None, :]
    tl.store(total + map_index * keys + column, tl.sum(summed, axis=1), mask=column < keys)
