"""The baseline rules: what "LRP" and "partial LRP" mean in the tables of both papers. They do NOT conserve relevance.

As published with Chefer et al., CVPR 2021, as the method to compare with:

    linear            R_in = x⁺ ((R/Z⁺) W⁺) + x⁻ ((R/Z⁻) W⁻),   Z⁺ = x⁺ W⁺ᵀ,  Z⁻ = x⁻ W⁻ᵀ
    skip connection   u R/(u+v) and v R/(u+v)

Each half of a linear layer hands on all of R, so a linear layer about doubles the relevance. Kept as published.
"""

from __future__ import annotations

from torch import Tensor

from whylight.propagation.rules import Rules, divide


def linear(relevance: Tensor, output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    positive, negative = (x.clamp(min=0), weight.clamp(min=0)), (x.clamp(max=0), weight.clamp(max=0))
    return sum(part * (divide(relevance, part @ w.mT) @ w) for part, w in (positive, negative))  # type: ignore[return-value]


def add(relevance: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    s = divide(relevance, u + v)
    return u * s, v * s


BASELINE = Rules("baseline", linear, add)
