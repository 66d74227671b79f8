"""The segmentation protocol over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.benchmarks.object_labels import mask_label
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.evaluation.pointing import points_inside
from whylight.evaluation.segmentation import (
    THRESHOLDS,
    PixelCounts,
    average_precisions,
    binarise,
    count_pixels,
)

_COUNTS = ("background", "foreground", "missed", "wrong")


class Segmentation(Benchmark):
    """Pixel accuracy, mIoU (both thresholds) and mAP; and, of the same maps, foreground AP and the pointing game."""

    protocol = "segmentation"
    version = 1
    main_figure = "mean_iou_mean"
    columns: ClassVar[dict[str, str]] = {
        f"{count}_{threshold}": "int32" for threshold in THRESHOLDS for count in _COUNTS
    } | {
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

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor) -> list[dict[str, Any]]:
        scaled = min_max_maps(enlarge(maps, batch.pixels.shape[-2:]))
        foreground = {threshold: binarise(scaled, threshold) for threshold in THRESHOLDS}
        rows = []
        for index, item in enumerate(items):
            row: dict[str, Any] = {}
            for threshold in THRESHOLDS:
                counts = count_pixels(foreground[threshold][index], item.truth)
                row.update({f"{name}_{threshold}": int(getattr(counts, name)) for name in _COUNTS})
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


def _figures(sums: Array) -> dict[str, Array]:
    figures = {}
    for index, threshold in enumerate(THRESHOLDS):
        counts = PixelCounts(*(sums[..., 4 * index + i] for i in range(4)))
        figures[f"pixel_accuracy_{threshold}"] = 100 * counts.pixel_accuracy
        figures[f"mean_iou_{threshold}"] = 100 * counts.mean_iou
    for name, column in (("mean_ap", -4), ("foreground_ap", -3), ("pointing", -2)):
        figures[name] = 100 * sums[..., column] / sums[..., -1]
    return figures
