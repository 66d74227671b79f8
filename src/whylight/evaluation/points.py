"""Labelled points: OpenImagesV7's protocol, point-wise foreground IoU (LeGrad, arXiv 2404.03214, Table 2).

One map for each class that is present in the picture (at least one "yes" point), binarised at 0.5; a point is a pixel
labelled "yes" or "no" for that class, and "unsure" is left out. Background does not count. How the paper averages is
not published, so both are given: IoU per class over all pictures, then the mean over classes; IoU per picture over all
its classes, then the mean over pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


@dataclass(frozen=True)
class PointCounts:
    """Points called foreground by both (``found``), by the label only (``missed``), by the map only (``wrong``).

    Numbers, or arrays of one shape; counts add up with ``+``.
    """

    found: npt.NDArray[np.float64]
    missed: npt.NDArray[np.float64]
    wrong: npt.NDArray[np.float64]

    def __add__(self, other: PointCounts) -> PointCounts:
        return PointCounts(self.found + other.found, self.missed + other.missed, self.wrong + other.wrong)

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """Foreground IoU; nan where neither label nor map names any point."""
        union = np.asarray(self.found + self.missed + self.wrong, dtype=np.float64)
        return np.divide(self.found, union, out=np.full_like(union, np.nan), where=union > 0)


def count_points(scores: Tensor, x: Tensor, y: Tensor, yes: Tensor, threshold: float = 0.5) -> PointCounts:
    """Read a map at labelled points.

    Args:
        scores: one map in [0, 1], (height, width), of the whole picture.
        x, y: (points,) in [0, 1] of the picture's width and height.
        yes: (points,) bool.
    """
    height, width = scores.shape
    column = (x * width).long().clamp(0, width - 1)
    row = (y * height).long().clamp(0, height - 1)
    lit = scores[row.to(scores.device), column.to(scores.device)].cpu() > threshold

    def count(which: Tensor) -> npt.NDArray[np.float64]:
        return np.float64(torch.count_nonzero(which).item())  # type: ignore[return-value]

    return PointCounts(found=count(lit & yes), missed=count(~lit & yes), wrong=count(lit & ~yes))
