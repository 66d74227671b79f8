"""LeGrad's reduction as a kernel: sum over queries of relu(G_O Vᵀ), without a gradient map in memory."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from whylight.attention.kernels.head_width import alignment, load, main_and_rest, precision, products


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
    half = widest != torch.float32
    main, rest = main_and_rest(width)
    block = 128 if half else 64
    grid = (len(flat) * batch * heads * triton.cdiv(keys, block),)
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
            WIDTH=width,
            ALIGNED=alignment(flat, value),
            MAIN=main,
            REST=rest,
            KEYS=block,
            QUERIES=64 if half else 32,
            PRECISION=precision(widest),
            num_warps=8 if half else 4,
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
    blocks = tl.cdiv(keys, KEYS)
    map_index = (tl.program_id(0) // blocks).to(tl.int64)
    head, picture, target = map_index % heads, map_index // heads % batch, map_index // heads // batch
    gradient += (
        target * gradient_strides[0]
        + picture * gradient_strides[1]
        + tl.multiple_of(head * gradient_strides[2], ALIGNED)
    )
    value += picture * value_strides[0] + tl.multiple_of(head * value_strides[1], ALIGNED)

    key = (tl.program_id(0) % blocks) * KEYS + tl.arange(0, KEYS)
    main = load(value, key, keys, value_strides[2], value_strides[3], WIDTH, 0, MAIN)
    rest = main
    if REST > 0:
        rest = load(value, key, keys, value_strides[2], value_strides[3], WIDTH, MAIN, REST)
    if gradient.dtype.element_ty == tl.float32:
        main, rest = main.to(tl.float32), rest.to(tl.float32)
    positive = tl.zeros((KEYS, QUERIES), dtype=tl.float32)
    for first in range(0, queries, QUERIES):
        query = first + tl.arange(0, QUERIES)
        product = products(
            main,
            rest,
            gradient,
            query,
            queries,
            gradient_strides[3],
            gradient_strides[4],
            WIDTH,
            MAIN,
            REST,
            PRECISION,
        )
        positive += tl.maximum(product, 0.0)
    tl.store(total + map_index * keys + key, tl.sum(positive, axis=1), mask=key < keys)
