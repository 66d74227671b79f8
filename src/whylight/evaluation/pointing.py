"""Pointing: does a map have its maximum on the object, and how much of it lies there.

The pointing game is Zhang et al.'s (ECCV 2016), without their tolerance of 15 pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor


def points_inside(scores: Tensor, label: Tensor) -> bool:
    """Whether the map's maximum lies on a pixel of label 1.

    Equal maxima are read as one guess at random among them would be on average, rounded: the guess is right where at
    least half of them lie inside. A constant map is no guess and misses.

    Args:
        scores: one map, (height, width).
        label: 1 inside the object; anything else outside, (height, width).
    """
    highest = scores.max()
    if bool(scores.min() == highest):
        return False
    return bool((label[scores == highest] == 1).double().mean() >= 0.5)


def share_inside(scores: Tensor, label: Tensor) -> float:
    """Share of the map's positive relevance on pixels of label 1, of that on labelled pixels, in [0, 1].

    0 where there is none at all.

    Args:
        scores: raw relevance, not scaled, (height, width).
        label: 1 inside the object, 0 outside, -1 where it does not count.
    """
    positive = scores.clamp(min=0).double() * (label >= 0)
    total = positive.sum()
    return float(positive[label == 1].sum() / total) if bool(total > 0) else 0.0


def box_label(box: tuple[float, float, float, float], picture: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """A box as a label: 1 at pixels whose centre lies inside it, else 0: (rows, columns) int8.

    Args:
        box: left, top, right, bottom in picture pixels, right and bottom excluded.
        picture: height and width of the picture.
        size: rows and columns of the label.
    """
    left, top, right, bottom = box
    y = (torch.arange(size[0]) + 0.5) * picture[0] / size[0]
    x = (torch.arange(size[1]) + 0.5) * picture[1] / size[1]
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    return (rows[:, None] & columns[None, :]).to(torch.int8)
