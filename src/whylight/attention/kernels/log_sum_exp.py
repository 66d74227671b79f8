"""What a row of an attention map needs to be computed again in any place of it: the logarithm of its softmax's sum."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from whylight.attention.kernels.head_width import block_sizes, head_options
from whylight.attention.kernels.tiles_of_heads import head_offset, main_and_rest_rows, place, products


def log_sum_exp(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """log Σ_k exp(scale · query · key_k) of every row: (batch, heads, queries), float32.

    Args:
        query, key: (batch, heads, queries | keys, head width), any strides.
    """
    batch, heads, queries, width = query.shape
    rows = torch.empty(batch, heads, queries, dtype=torch.float32, device=query.device)
    blocks = block_sizes(query.dtype)
    with torch.cuda.device_of(query):
        _of_rows[(batch * heads * triton.cdiv(queries, blocks.held),)](
            query,
            key,
            rows,
            query.stride(),
            key.stride(),
            batch,
            heads,
            queries,
            key.shape[2],
            scale,
            QUERIES=blocks.held,
            KEYS=blocks.streamed,
            num_warps=blocks.warps,
            **head_options(width, query.dtype, query, key),
        )
    return rows


@triton.jit
def _of_rows(
    query,
    key,
    rows,
    query_strides,
    key_strides,
    batch,
    heads,
    queries,
    keys,
    scale,
    WIDTH: tl.constexpr,
    ALIGNED: tl.constexpr,
    MAIN: tl.constexpr,
    REST: tl.constexpr,
    QUERIES: tl.constexpr,
    KEYS: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """One block of queries of one head and one picture; all keys stream past, the sum scaled by the largest so far."""
    map_index, head, picture, _, row = place(queries, heads, batch, QUERIES)
    query += head_offset(query_strides, picture, head, ALIGNED)
    key += head_offset(key_strides, picture, head, ALIGNED)
    main, rest = main_and_rest_rows(query, row, queries, query_strides, WIDTH, MAIN, REST)
    largest = tl.full((QUERIES,), -float("inf"), dtype=tl.float32)
    total = tl.zeros((QUERIES,), dtype=tl.float32)
    for first in range(0, keys, KEYS):
        column = first + tl.arange(0, KEYS)
        score = products(main, rest, key, column, keys, key_strides, WIDTH, MAIN, REST, PRECISION)
        score = tl.where(column[None, :] < keys, score * scale, -float("inf"))
        higher = tl.maximum(largest, tl.max(score, axis=1))
        total = total * tl.exp(largest - higher) + tl.sum(tl.exp(score - higher[:, None]), axis=1)
        largest = higher
    tl.store(rows + map_index * queries + row, largest + tl.log(total), mask=row < queries)
