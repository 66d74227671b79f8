"""Relevance of pixels: the z^B rule for a convolution over a picture, whose values are bounded.

Montavon et al., "Explaining nonlinear classification decisions with deep Taylor decomposition", arXiv 1512.02479:

    R_in = x * g(S, W) - l * g(S, W⁺) - h * g(S, W⁻),   S = R / (W x - W⁺ l - W⁻ h)

with l and h the sample's own smallest and largest value, and g the convolution's gradient with respect to its input.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input

from whylight.propagation.rules import STABILIZER


def picture_convolution(relevance: Tensor, x: Tensor, weight: Tensor, **geometry: Any) -> Tensor:
    """Relevance of pixels x (batch, 3, H, W); geometry: stride, padding, dilation."""
    positive, negative = weight.clamp(min=0), weight.clamp(max=0)
    low = x.amin(dim=(1, 2, 3), keepdim=True).expand_as(x)
    high = x.amax(dim=(1, 2, 3), keepdim=True).expand_as(x)
    terms = ((x, weight, 1), (low, positive, -1), (high, negative, -1))
    z: Any = sum(sign * F.conv2d(part, w, **geometry) for part, w, sign in terms)
    s = relevance / (z + STABILIZER)
    result: Any = sum(sign * part * conv2d_input(x.shape, w, s, **geometry) for part, w, sign in terms)
    return result  # type: ignore[no-any-return]
