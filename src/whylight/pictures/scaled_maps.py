"""Raw relevance of patches as maps of their picture, each on its own scale."""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.models.preprocessing import Frame, place_in_picture

_ROUNDING = 1e-6
"""Maps that vary by less than this, relative to their largest value, are constant up to float32's rounding."""
_HUGE = 1e30


def scaled_maps(relevance: Tensor, frame: Frame) -> Tensor:
    """(maps, rows, columns) enlarged to the picture, (maps, height, width) float32 in [0, 1].

    The least and the greatest relevance of each map that lie in view become 0 and 1; what the model did not see is 0;
    constant maps are zeros.
    """
    seen = place_in_picture(torch.ones(1, *relevance.shape[1:]), frame)[0] > 0
    placed = place_in_picture(_finite(relevance).float(), frame)
    maps = torch.zeros_like(placed)
    for index, flat in enumerate(are_flat(relevance)):
        inside = placed[index][seen]
        if flat or not inside.numel() or inside.max() <= inside.min():
            continue
        maps[index][seen] = (inside - inside.min()) / (inside.max() - inside.min())
    return maps


def are_flat(relevance: Tensor) -> list[bool]:
    """Which maps are the same everywhere."""
    values = _finite(relevance)
    spread = values.amax((1, 2)) - values.amin((1, 2))
    flat: list[bool] = (spread <= _ROUNDING * values.abs().amax((1, 2))).tolist()
    return flat


def _finite(relevance: Tensor) -> Tensor:
    """Relevance in which what half precision could not hold is zero (NaN) or huge (infinity)."""
    return torch.nan_to_num(relevance.double(), posinf=_HUGE, neginf=-_HUGE)
