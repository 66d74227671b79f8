"""Segmentation: a map as a foreground mask (the protocol of Chefer et al., CVPR 2021, on ImageNet-Segmentation).

The picture is squashed to the model's input size, the label taken by nearest neighbour, the map enlarged bilinearly and
scaled to [0, 1]. Foreground is where the map exceeds its own mean (Chefer) or 0.5 (LeGrad, arXiv 2404.03214). Pixel
accuracy and IoU come from sums over the whole set, average precision is taken per picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

Threshold = Literal["mean", "0.5"]
THRESHOLDS: tuple[Threshold, ...] = get_args(Threshold)
IGNORED = -1
"""Label of pixels that count neither way."""

Sum = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of one map, or sums over many: numbers, or arrays of one shape. Counts add up with ``+``.

    Attributes:
        background, foreground: labelled so and found so.
        missed: foreground that the map calls background.
        wrong: background that the map calls foreground.
    """

    background: Sum
    foreground: Sum
    missed: Sum
    wrong: Sum

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def pixel_accuracy(self) -> Sum:
        """Share of labelled pixels that are right."""
        right = self.background + self.foreground
        return np.asarray(right / (right + self.missed + self.wrong))

    @property
    def foreground_iou(self) -> Sum:
        return _ratio(self.foreground, self.foreground + self.missed + self.wrong)

    @property
    def background_iou(self) -> Sum:
        return _ratio(self.background, self.background + self.missed + self.wrong)

    @property
    def mean_iou(self) -> Sum:
        """Mean of background and foreground IoU, as torchmetrics' ``JaccardIndex`` computes it."""
        return (self.background_iou + self.foreground_iou) / 2


def binarise(maps: Tensor, threshold: Threshold) -> Tensor:
    """Foreground (..., height, width) of maps in [0, 1]: above each map's own mean, or above 0.5."""
    return maps > (maps.mean((-2, -1), keepdim=True) if threshold == "mean" else 0.5)


def count_pixels(foreground: Tensor, label: Tensor) -> PixelCounts:
    """Compare foreground (height, width) bool with a label of 1 (foreground), 0 (background) and -1 (ignored)."""
    kinds = (label.long() * 2 + foreground)[label != IGNORED]
    background, wrong, missed, found = kinds.bincount(minlength=4).double().cpu().numpy()
    return PixelCounts(background=background, foreground=found, missed=missed, wrong=wrong)


@dataclass(frozen=True)
class Precisions:
    """Average precision of one map: ``two_class`` is the protocol's, ``foreground`` what that one flatters."""

    two_class: float
    foreground: float


def average_precisions(scores: Tensor, label: Tensor) -> Precisions:
    """Average precision of [1 - map, map], flattened, against the one-hot label; and of the map against the foreground.

    Args:
        scores: one map in [0, 1], (height, width).
        label: 1, 0 and -1 (left out), (height, width).
    """
    kept = label != IGNORED
    # 1 - s of a float32 is exact in float64, and so is 1 - (1 - s): equal scores stay equal.
    is_object, map_scores = (label[kept] == 1).cpu().numpy(), scores[kept].float().double().cpu().numpy()
    # Each pixel gives its true class s and the other one 1 - s: one sort orders both.
    true_class = np.sort(np.where(is_object, map_scores, 1 - map_scores))
    return Precisions(
        two_class=_average_precision(true_class, (1 - true_class)[::-1]),
        foreground=_foreground_precision(map_scores, is_object),
    )


def foreground_average_precision(scores: Tensor, label: Tensor) -> float:
    """Average precision of a map of any scale, (height, width), against the foreground of a label."""
    kept = label != IGNORED
    return _foreground_precision(scores[kept].cpu().numpy(), (label[kept] == 1).cpu().numpy())


def _foreground_precision(scores: npt.NDArray[Any], is_object: npt.NDArray[np.bool_]) -> float:
    return _average_precision(np.sort(scores[is_object]), np.sort(scores[~is_object]))


def _average_precision(positives: npt.NDArray[Any], negatives: npt.NDArray[Any]) -> float:
    """Sum over thresholds of precision times the step in recall, as scikit-learn's ``average_precision_score`` has it.

    0 where there is no positive.

    Args:
        positives, negatives: scores, ascending.
    """
    count = len(positives)
    if count == 0:
        return 0.0
    firsts = np.flatnonzero(np.diff(positives, prepend=-np.inf))
    found = count - firsts
    wrong = len(negatives) - np.searchsorted(negatives, positives[firsts])
    return float(np.sum(np.diff(firsts, append=count) * (found / (found + wrong))) / count)


def _ratio(part: Sum, whole: Sum) -> Sum:
    """A class that neither label nor map ever names has no IoU: 0, as torchmetrics has it."""
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole, dtype=np.float64)), where=np.asarray(whole) > 0)
