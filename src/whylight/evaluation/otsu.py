"""Otsu's threshold: the cut of a map's histogram that leaves the least variance within its two sides.

Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on Systems, Man, and Cybernetics,
1979.
"""

from __future__ import annotations

import torch
from torch import Tensor

_BINS = 256


def otsu_threshold(values: Tensor) -> float:
    """The threshold of any tensor of numbers; the only value of a constant one. Greater values are foreground."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return high
    counts = torch.histc(values.double(), _BINS, low, high)
    centers = low + (torch.arange(_BINS, dtype=torch.float64) + 0.5) * (high - low) / _BINS
    below = counts.cumsum(0)[:-1]
    above = counts.sum() - below
    mass = (counts * centers).cumsum(0)
    mean_below, mean_above = mass[:-1] / below, (mass[-1] - mass[:-1]) / above.clamp(min=1)
    between = below * above * (mean_below - mean_above) ** 2
    best = int(between.argmax())
    return low + (best + 1) * (high - low) / _BINS


def otsu_iou(scores: Tensor, label: Tensor) -> float:
    """Intersection over union of the map cut at Otsu's threshold and the object (label 1), in [0, 1].

    Args:
        label: 1 on the object, 0 off it, -1 where pixels count neither way, (height, width).
    """
    return iou_above(otsu_threshold(scores), scores, label)


def iou_above(threshold: float, scores: Tensor, label: Tensor) -> float:
    """The same of the map cut at any threshold."""
    cut, inside = (scores > threshold) & (label >= 0), label == 1
    union = int((cut | inside).sum())
    return int((cut & inside).sum()) / union if union else 0.0
