"""What a row of an attention map needs to be computed again in any place of it: the logarithm of its softmax's sum."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from whylight.attention.kernels.head_width import alignment, load, main_and_rest, precision, products


def log_sum_exp(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """log Σ_k exp(scale · query · key_k) of every row: (batch, heads, queries), float32.

    Args:
        query, key: (batch, heads, queries | keys, head width), any strides.
    """
    batch, heads, queries, width = query.shape
    rows = torch.empty(batch, heads, queries, dtype=torch.float32, device=query.device)
    half = query.dtype != torch.float32
    main, rest = main_and_rest(width)
    block = 128 if half else 64
    with torch.cuda.device_of(query):
        _of_rows[(batch * heads * triton.cdiv(queries, block),)](
            query,
            key,
            rows,
            query.stride(),
            key.stride(),
            heads,
            queries,
            key.shape[2],
            scale,
            WIDTH=width,
            ALIGNED=alignment(query, key),
            MAIN=main,
            REST=rest,
            QUERIES=block,
            KEYS=64 if half else 32,
            PRECISION=precision(query.dtype),
            num_warps=8 if half else 4,
        )
    return rows


@triton.jit
def _of_rows(
    query,
    key,
    rows,
    query_strides,
    key_strides,
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
    blocks = tl.cdiv(queries, QUERIES)
    map_index = (tl.program_id(0) // blocks).to(tl.int64)
    head, picture = map_index % heads, map_index // heads
    query += picture * query_strides[0] + tl.multiple_of(head * query_strides[1], ALIGNED)
    key += picture * key_strides[0] + tl.multiple_of(head * key_strides[1], ALIGNED)

    row = (tl.program_id(0) % blocks) * QUERIES + tl.arange(0, QUERIES)
    main = load(query, row, queries, query_strides[2], query_strides[3], WIDTH, 0, MAIN)
    rest = main
    if REST > 0:
        rest = load(query, row, queries, query_strides[2], query_strides[3], WIDTH, MAIN, REST)
    largest = tl.full((QUERIES,), -float("inf"), dtype=tl.float32)
    total = tl.zeros((QUERIES,), dtype=tl.float32)
    for first in range(0, keys, KEYS):
        column = first + tl.arange(0, KEYS)
        score = products(main, rest, key, column, keys, key_strides[2], key_strides[3], WIDTH, MAIN, REST, PRECISION)
        score = tl.where(column[None, :] < keys, score * scale, -float("inf"))
        higher = tl.maximum(largest, tl.max(score, axis=1))
        total = total * tl.exp(largest - higher) + tl.sum(tl.exp(score - higher[:, None]), axis=1)
        largest = higher
    tl.store(rows + map_index * queries + row, largest + tl.log(total), mask=row < queries)
