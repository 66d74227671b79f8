"""Segmentation: a map as a foreground mask (the protocol of Chefer et al., CVPR 2021, on ImageNet-Segmentation).

The picture is squashed to the model's input size, the label taken by nearest neighbour, the map enlarged bilinearly and
scaled to [0, 1]. Foreground is where the map exceeds its own mean (Chefer) or 0.5 (LeGrad, arXiv 2404.03214). Pixel
accuracy and IoU come from sums over the whole set, average precision is taken per picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from torch import Tensor

from whylight.evaluation.requirements import need

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
    is_object, is_ground = label == 1, label == 0

    def count(pixels: Tensor) -> Sum:
        return np.float64(pixels.sum().item())  # type: ignore[return-value]

    return PixelCounts(
        background=count(is_ground & ~foreground),
        foreground=count(is_object & foreground),
        missed=count(is_object & ~foreground),
        wrong=count(is_ground & foreground),
    )


def average_precision(scores: Tensor, label: Tensor) -> float:
    """Average precision of the two-class scores [1 - map, map], flattened, against the one-hot label.

    Args:
        scores: one map in [0, 1], (height, width).
        label: 1, 0 and -1 (left out), (height, width).
    """
    metrics = need("sklearn.metrics")
    kept = label != IGNORED
    foreground = scores[kept].double().cpu().numpy()
    truth = (label[kept] == 1).cpu().numpy()
    two_class = np.concatenate([1 - foreground, foreground])
    return float(metrics.average_precision_score(np.concatenate([~truth, truth]), two_class))


def foreground_average_precision(scores: Tensor, label: Tensor) -> float:
    """Average precision of the map itself against the foreground: what the two-class figure flatters."""
    metrics = need("sklearn.metrics")
    kept = label != IGNORED
    truth = (label[kept] == 1).cpu().numpy()
    return float(metrics.average_precision_score(truth, scores[kept].cpu().numpy()))


def _ratio(part: Sum, whole: Sum) -> Sum:
    """A class that neither label nor map ever names has no IoU: 0, as torchmetrics has it."""
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole, dtype=np.float64)), where=np.asarray(whole) > 0)
