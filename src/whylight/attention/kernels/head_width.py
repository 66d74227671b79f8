"""Tiles of queries, keys, values and gradients whose head width is any number: 64, but also 72, 80 or 104.

Triton's tiles are powers of two wide. A width is therefore cut in two, MAIN + REST (80 = 64 + 16), where that leaves
less to waste than one tile (104 is one tile of 128). Rows and columns beyond the edge are read as zeros.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import triton
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


def head_options(width: int, dtype: torch.dtype, *tensors: Tensor) -> dict[str, Any]:
    """What every kernel is told of heads of this width in these tensors, the widest of them of this dtype."""
    main, rest = main_and_rest(width)
    return {
        "WIDTH": width,
        "ALIGNED": alignment(*tensors),
        "MAIN": main,
        "REST": rest,
        "PRECISION": precision(dtype),
    }


class Blocks(NamedTuple):
    """How many tokens a program holds, how many stream past at a time, and the warps that work on them."""

    held: int
    streamed: int
    warps: int


def block_sizes(dtype: torch.dtype) -> Blocks:
    """Blocks that fit the registers and the shared memory of a GPU: half as long in float32."""
    return Blocks(64, 32, 4) if dtype == torch.float32 else Blocks(128, 64, 8)
