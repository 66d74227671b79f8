"""Tiles of queries, keys, values and gradients whose head width is any number: 64, but also 72, 80 or 104.

Triton's tiles are powers of two wide. A width is therefore cut in two, MAIN + REST (80 = 64 + 16), where that leaves
less to waste than one tile (104 is one tile of 128). Rows and columns beyond the edge are read as zeros.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_SMALLEST = 16
"""The narrowest tile that ``tl.dot`` multiplies."""


def main_and_rest(width: int) -> tuple[int, int]:
    """The widths of the two tiles that hold a head, each a power of two; REST is 0 where one tile holds it."""
    main = triton.next_power_of_2(max(width, _SMALLEST))
    if main in (width, _SMALLEST):
        return main, 0
    rest = max(_SMALLEST, triton.next_power_of_2(width - main // 2))
    return (main // 2, rest) if rest < main // 2 else (main, 0)


def precision(dtype: torch.dtype) -> str:
    """How ``tl.dot`` multiplies: float32 as three TF32 products, its precision kept, or as one where torch may."""
    if dtype != torch.float32:
        return "ieee"
    return "tf32" if torch.backends.cuda.matmul.allow_tf32 else "tf32x3"


def alignment(*tensors: Tensor) -> int:
    """What the strides between heads, (..., heads, tokens, head width), are multiples of: 8, or 1 for odd layouts.

    Triton itself looks for multiples of 16 only, and reads heads of 72 or 104 number by number unless it is told.
    """
    return 8 if all(tensor.stride(-3) % 8 == 0 for tensor in tensors) else 1


@triton.jit
def load(
    pointer,
    rows,
    count,
    row_stride,
    column_stride,
    WIDTH: tl.constexpr,
    FIRST: tl.constexpr,
    TILE: tl.constexpr,
):
    """Columns FIRST to FIRST + TILE of the given rows, (rows, TILE)."""
    columns = FIRST + tl.arange(0, TILE)
    inside = (rows[:, None] < count) & (columns[None, :] < WIDTH)
    return tl.load(pointer + rows[:, None] * row_stride + columns[None, :] * column_stride, mask=inside, other=0.0)


@triton.jit
def products(
    main,
    rest,
    pointer,
    rows,
    count,
    row_stride,
    column_stride,
    WIDTH: tl.constexpr,
    MAIN: tl.constexpr,
    REST: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """(main, rest) · rowsᵀ in float32, for a tile that is at hand and rows that are read now: (tile's rows, rows)."""
    other = load(pointer, rows, count, row_stride, column_stride, WIDTH, 0, MAIN).to(main.dtype)
    result = tl.dot(main, tl.trans(other), input_precision=PRECISION)
    if REST > 0:
        other = load(pointer, rows, count, row_stride, column_stride, WIDTH, MAIN, REST).to(main.dtype)
        result = tl.dot(rest, tl.trans(other), result, input_precision=PRECISION)
    return result
