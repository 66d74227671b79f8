"""How much of a map lies where it should."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.evaluation.pixel_maps import enlarge
from whylight.evaluation.pointing import points_inside, share_inside
from whylight.evaluation.segmentation import foreground_average_precision


def measured(relevance: Tensor, label: Tensor) -> dict[str, Any]:
    """The audit's columns of one map.

    Args:
        relevance: (rows, columns), raw.
        label: 1 inside, 0 outside, -1 where nothing counts, (height, width) of the model's input.
    """
    scores = enlarge(relevance[None].float(), label.shape)[0]
    counts = label >= 0
    return {
        "inside": share_inside(scores, label),
        "pointing": points_inside(scores.masked_fill(~counts, float(scores.min())), label),
        "ap": foreground_average_precision(scores, label),
        "area": float((label == 1).sum()) / max(1, int(counts.sum())),
    }
