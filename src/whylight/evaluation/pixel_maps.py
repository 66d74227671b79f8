"""From patch relevance to maps of the pixels that a model saw, as the protocols want them."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from whylight.attention.min_max import min_max


def enlarge(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (n, grid rows, grid columns) bilinearly to (n, height, width), without aligned corners."""
    return F.interpolate(maps[:, None], size=tuple(size), mode="bilinear", align_corners=False)[:, 0]


def min_max_maps(maps: Tensor) -> Tensor:
    """Each map (..., height, width) scaled to [0, 1]; a constant map becomes zeros."""
    return min_max(maps.flatten(-2)).view_as(maps)
