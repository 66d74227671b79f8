"""What the kernels share while they run: which map a program computes, and the tiles of its queries, keys and values.

``strides`` are a tensor's, the last four of them (batch, heads, tokens, head width).
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def place(tokens, heads, batch, BLOCK: tl.constexpr):
    """This program's map, counted through all, its head, picture and target, and the block of tokens it holds."""
    blocks = tl.cdiv(tokens, BLOCK)
    map_index = (tl.program_id(0) // blocks).to(tl.int64)
    held = (tl.program_id(0) % blocks) * BLOCK + tl.arange(0, BLOCK)
    return map_index, map_index % heads, map_index // heads % batch, map_index // heads // batch, held


@triton.jit
def head_offset(strides, picture, head, ALIGNED: tl.constexpr):
    """Where a head of a picture starts; of the first target where a tensor has several."""
    return picture * strides[-4] + tl.multiple_of(head * strides[-3], ALIGNED)


@triton.jit
def load(pointer, rows, count, strides, WIDTH: tl.constexpr, FIRST: tl.constexpr, TILE: tl.constexpr):
    """Columns FIRST to FIRST + TILE of the given rows, (rows, TILE)."""
    columns = FIRST + tl.arange(0, TILE)
    inside = (rows[:, None] < count) & (columns[None, :] < WIDTH)
    return tl.load(pointer + rows[:, None] * strides[-2] + columns[None, :] * strides[-1], mask=inside, other=0.0)


@triton.jit
def main_and_rest_rows(pointer, rows, count, strides, WIDTH: tl.constexpr, MAIN: tl.constexpr, REST: tl.constexpr):
    """Both tiles of the given rows, (rows, MAIN) and (rows, REST); the first one twice where it holds the head."""
    main = load(pointer, rows, count, strides, WIDTH, 0, MAIN)
    rest = main
    if REST > 0:
        rest = load(pointer, rows, count, strides, WIDTH, MAIN, REST)
    return main, rest


@triton.jit
def products(
    main,
    rest,
    pointer,
    rows,
    count,
    strides,
    WIDTH: tl.constexpr,
    MAIN: tl.constexpr,
    REST: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """(main, rest) · rowsᵀ in float32, for tiles that are at hand and rows that are read now: (tiles' rows, rows)."""
    other = load(pointer, rows, count, strides, WIDTH, 0, MAIN).to(main.dtype)
    result = tl.dot(main, tl.trans(other), input_precision=PRECISION)
    if REST > 0:
        other = load(pointer, rows, count, strides, WIDTH, MAIN, REST).to(main.dtype)
        result = tl.dot(rest, tl.trans(other), result, input_precision=PRECISION)
    return result
