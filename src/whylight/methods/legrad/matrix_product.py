"""Products with weight matrices outside of autograd, by the quicker of the two libraries that torch brings along.

In float32 on a CPU torch multiplies by MKL, and by oneDNN only in models that it compiled. oneDNN makes the same
product sooner on processors of other makers than MKL's, and much sooner from a matrix that lies in its own layout
(`benchmarks/matrix_products.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor


def matrix_product(x: Tensor, matrix: Tensor) -> Tensor:
    """x times a matrix, without a graph: (..., inner) and (inner, outer) give (..., outer).

    Args:
        matrix: as it is, or from :func:`packed`.
    """
    if matrix.is_mkldnn:
        return _linear(x, matrix)
    one_row = x.numel() == x.shape[-1]  # takes as long as reading the matrix, which MKL does best
    return x @ matrix if one_row or not (_by_onednn(x) and _by_onednn(matrix)) else _linear(x, matrix.T)


def packed(matrix: Tensor) -> Tensor:
    """The matrix in oneDNN's layout, for :func:`matrix_product` alone; as it is where oneDNN has no part in it."""
    if not _by_onednn(matrix):
        return matrix
    layout: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix.T.contiguous())
    return layout


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    return product


def _by_onednn(tensor: Tensor) -> bool:
    return (
        tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and torch.backends.mkldnn.is_available()
        and bool(torch.backends.mkldnn.enabled)
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )
