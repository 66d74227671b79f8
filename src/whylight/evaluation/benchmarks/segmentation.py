"""The segmentation protocol over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.benchmarks.object_labels import mask_label
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.evaluation.pointing import points_inside
from whylight.evaluation.segmentation import (
    THRESHOLDS,
    PixelCounts,
    Threshold,
    average_precisions,
    binarise,
    count_pixels,
)

_COUNTS = ("background", "foreground", "missed", "wrong")
COUNTS = tuple(f"{count}_{threshold}" for threshold in THRESHOLDS for count in _COUNTS)
"""Columns of :func:`pixel_counts`."""


def pixel_counts(scaled: Tensor, label: Tensor) -> dict[str, int]:
    """The four counts of a map in [0, 1], (height, width), at each threshold, by their columns' names."""
    found: dict[str, int] = {}
    for threshold in THRESHOLDS:
        counts = count_pixels(binarise(scaled, threshold), label)
        found |= {f"{name}_{threshold}": int(getattr(counts, name)) for name in _COUNTS}
    return found


class Segmentation(Benchmark):
    """Pixel accuracy, mIoU (both thresholds) and mAP; and, of the same maps, foreground AP and the pointing game."""

    protocol = "segmentation"
    version = 1
    main_figure = "mean_iou_mean"
    columns: ClassVar[dict[str, str]] = dict.fromkeys(COUNTS, "int32") | {
        "average_precision": "float64",
        "foreground_precision": "float64",
        "points_inside": "bool",
    }
    figures_shown: ClassVar[dict[str, str]] = {
        "pixel_accuracy_mean": "pixel acc. (mean)",
        "mean_iou_mean": "mIoU (mean)",
        "pixel_accuracy_0.5": "pixel acc. (0.5)",
        "mean_iou_0.5": "mIoU (0.5)",
        "mean_ap": "mAP",
        "foreground_ap": "fg. AP",
        "pointing": "pointing",
    }
    explains: tuple[Explained, ...] = ("target", "predicted")

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Tensor | None:
        return mask_label(region.mask, size)

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        scaled = min_max_maps(enlarge(maps, batch.pixels.shape[-2:]))
        rows = []
        for index, item in enumerate(items):
            row: dict[str, Any] = pixel_counts(scaled[index], item.truth)
            precisions = average_precisions(scaled[index], item.truth)
            row["average_precision"] = precisions.two_class
            row["foreground_precision"] = precisions.foreground
            row["points_inside"] = points_inside(scaled[index], item.truth)
            rows.append(row)
        return rows

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


class VideoSegmentation(Segmentation):
    """The same over frames, whose classes are sequences: the figures of each stand beside those of all frames."""

    measured_on = "frames"
    grouped_as = "sequence"


def counts_of(sums: Array) -> dict[Threshold, PixelCounts]:
    """Sums of the columns ``COUNTS``, (..., 8 or more), by threshold."""
    return {
        threshold: PixelCounts(*(sums[..., 4 * index + i] for i in range(4)))
        for index, threshold in enumerate(THRESHOLDS)
    }


def _figures(sums: Array) -> dict[str, Array]:
    figures = {}
    for threshold, counts in counts_of(sums).items():
        figures[f"pixel_accuracy_{threshold}"] = 100 * counts.pixel_accuracy
        figures[f"mean_iou_{threshold}"] = 100 * counts.mean_iou
    for name, column in (("mean_ap", -4), ("foreground_ap", -3), ("pointing", -2)):
        figures[name] = 100 * sums[..., column] / sums[..., -1]
    return figures
