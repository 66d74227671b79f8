"""The conservative rules: relevance is neither made nor lost.

Chefer, Gur and Wolf, "Transformer Interpretability Beyond Attention Visualization", arXiv 2012.09838, CVPR 2021.

    linear (equation 4)         R_in = x⁺ ((R/Z) W⁺) + x⁻ ((R/Z) W⁻),   Z = x⁺ W⁺ᵀ + x⁻ W⁻ᵀ
    skip connection (eq. 9, 10) u R/(u+v) and v R/(u+v), each scaled to its share |Σ| / (|Σu| + |Σv|) of ΣR

with x⁺ = max(x, 0), x⁻ = min(x, 0), and sums Σ per sample. The bias gets nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.propagation.rules import STABILIZER, Rules, divide


def linear(relevance: Tensor, output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Two matrix products with |W| beside those with W, instead of four with W⁺ and W⁻.

    x⁺W⁺ᵀ + x⁻W⁻ᵀ = (xWᵀ + |x||W|ᵀ) / 2, of which xWᵀ is the layer's own output; the same splits the way back.
    """
    magnitude, size = x.abs(), weight.abs()
    product = output if bias is None else output - bias
    total = magnitude @ size.mT
    twice_z = product + total
    # No contribution is positive: what is left is what rounding left.
    nothing = twice_z <= total.mul_(8 * torch.finfo(total.dtype).eps)
    half_s = relevance / twice_z.add_(2 * STABILIZER).masked_fill_(nothing, torch.inf)
    return (half_s @ weight).mul_(x).add_((half_s @ size).mul_(magnitude))


def add(relevance: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    s = divide(relevance, u + v)
    a, b = u * s, v * s
    sum_a, sum_b, total = per_sample(a), per_sample(b), per_sample(relevance)
    size_a, size_b = sum_a.abs(), sum_b.abs()
    share_a, share_b = divide(size_a, size_a + size_b) * total, divide(size_b, size_a + size_b) * total
    return a * divide(share_a, sum_a), b * divide(share_b, sum_b)


def per_sample(x: Tensor) -> Tensor:
    """Sum over all dimensions but the first, kept."""
    return x.sum(dim=tuple(range(1, x.dim())), keepdim=True)


CONSERVATIVE = Rules("conservative", linear, add)
