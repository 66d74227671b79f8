"""Maps scaled to [0, 1]."""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32


def min_max(maps: Tensor) -> Tensor:
    """Each map over its last dimension scaled to [0, 1], at least float32; constant maps become zeros."""
    maps = at_least_float32(maps)
    low, high = maps.amin(-1, keepdim=True), maps.amax(-1, keepdim=True)
    return (maps - low) / (high - low).clamp(min=torch.finfo(maps.dtype).tiny)
