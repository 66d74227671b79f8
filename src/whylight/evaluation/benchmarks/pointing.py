"""The pointing game and the share of relevance on the object, over rows; grid pointing is the same on cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.benchmarks.object_labels import mask_label, unless_empty
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.pixel_maps import enlarge
from whylight.evaluation.pointing import box_label, points_inside, share_inside
from whylight.evaluation.segmentation import foreground_average_precision


class Pointing(Benchmark):
    """Maximum inside the mask or box, share of positive relevance inside, and foreground average precision."""

    protocol = "pointing"
    version = 1
    main_figure = "pointing"
    columns: ClassVar[dict[str, str]] = {"points_inside": "bool"} | dict.fromkeys(
        ("share_inside", "foreground_precision"), "float64"
    )
    figures_shown: ClassVar[dict[str, str]] = {
        "pointing": "pointing",
        "share": "share inside",
        "foreground_ap": "fg. AP",
    }
    explains: tuple[Explained, ...] = ("target", "predicted")

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Tensor | None:
        if region.mask is not None or region.box is None:
            return mask_label(region.mask, size)
        return unless_empty(box_label(region.box, (sample.picture.height, sample.picture.width), size))

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        enlarged = enlarge(maps, batch.pixels.shape[-2:])
        return [
            {
                "points_inside": points_inside(scores, item.truth),
                "share_inside": share_inside(scores, item.truth),
                "foreground_precision": foreground_average_precision(scores, item.truth),
            }
            for scores, item in zip(enlarged, items, strict=True)
        ]

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


class GridPointing(Pointing):
    """Each class of a collage is explained; the main figure is the share of positive relevance in its cell."""

    protocol = "grid-pointing"
    main_figure = "share"
    figures_shown: ClassVar[dict[str, str]] = {
        "share": "share in cell",
        "pointing": "pointing",
        "foreground_ap": "cell AP",
    }
    explains: tuple[Explained, ...] = ("target",)


def _figures(sums: Array) -> dict[str, Array]:
    return {
        name: 100 * sums[..., index] / sums[..., -1]
        for index, name in enumerate(("pointing", "share", "foreground_ap"))
    }
