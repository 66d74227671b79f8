"""The point protocol over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from whylight.errors import need
from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Item, Rows
from whylight.evaluation.data.data_set import Points, Region, Sample
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture
from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.evaluation.points import PointCounts, count_points

_COUNTS = ("found", "missed", "wrong")


class LabelledPoints(Benchmark):
    """Foreground IoU over labelled points, per class and per picture."""

    protocol = "points"
    version = 1
    main_figure = "iou_per_class"
    columns: ClassVar[dict[str, str]] = dict.fromkeys(_COUNTS, "int32")
    figures_shown: ClassVar[dict[str, str]] = {
        "iou_per_class": "p-mIoU per class",
        "iou_per_picture": "p-mIoU per picture",
    }

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Points | None:
        return region.points

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        scaled = min_max_maps(enlarge(maps, batch.pixels.shape[-2:]))
        rows = []
        for scores, item in zip(scaled, items, strict=True):
            points: Points = item.truth
            x, y, yes = (torch.from_numpy(values) for values in (points.x, points.y, points.yes))
            counts = count_points(scores, x, y, yes)
            rows.append({name: int(getattr(counts, name)) for name in _COUNTS})
        return rows

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        counts = np.stack([rows[name].astype(np.float64) for name in _COUNTS], axis=1)
        each = per_picture(rows["picture"], counts)
        iou = PointCounts(*each.T).iou
        known = np.isfinite(iou)
        pictures = np.stack([np.where(known, iou, 0), known], axis=1)
        return estimate(_by_class(rows, counts), _per_class) | estimate(pictures, _per_picture)


def class_ious(rows: Rows) -> dict[str, float]:
    """IoU in percent of every class over all pictures."""
    labels, code = np.unique(rows["label"], return_inverse=True)
    sums = np.zeros((len(labels), 3))
    np.add.at(sums, code, np.stack([rows[name].astype(np.float64) for name in _COUNTS], axis=1))
    return dict(zip(labels.tolist(), (100 * PointCounts(*sums.T).iou).tolist(), strict=True))


def _by_class(rows: Rows, counts: Array) -> Any:
    """What each picture adds to each class's intersection and union: sparse (pictures, 2 * classes)."""
    sparse = need("scipy.sparse", "evaluation")
    _, picture = np.unique(rows["picture"], return_inverse=True)
    labels, code = np.unique(rows["label"], return_inverse=True)
    values = np.concatenate([counts[:, 0], counts.sum(1)])
    places = (np.concatenate([picture, picture]), np.concatenate([2 * code, 2 * code + 1]))
    return sparse.csr_array((values, places), shape=(int(picture.max()) + 1, 2 * len(labels)))


def _per_class(sums: Array) -> dict[str, Array]:
    """Classes that a resample does not hold are left out of its mean."""
    found, union = sums[..., 0::2], sums[..., 1::2]
    iou = np.divide(found, union, out=np.full_like(union, np.nan), where=union > 0)
    return {"iou_per_class": 100 * np.nanmean(iou, axis=-1)}


def _per_picture(sums: Array) -> dict[str, Array]:
    return {"iou_per_picture": 100 * sums[..., 0] / sums[..., 1]}
