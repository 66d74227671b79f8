"""Wrong prompt over rows: how far a map falls when it is asked for a class that the picture does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Item, Rows, estimate_columns
from whylight.evaluation.benchmarks.object_labels import mask_label
from whylight.evaluation.benchmarks.segmentation import COUNTS, counts_of, pixel_counts
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.pixel_maps import enlarge, min_max_maps

_WRONG = tuple(f"wrong_prompt_{name}" for name in COUNTS)


class WrongPrompt(Benchmark):
    """mIoU of the object asked for by its own class and by a class that is absent (LeGrad, arXiv 2404.03214): a map
    that heeds what it is asked falls."""

    protocol = "wrong-prompt"
    version = 1
    main_figure = "fall_0.5"
    columns: ClassVar[dict[str, str]] = dict.fromkeys((*COUNTS, *_WRONG), "int32")
    figures_shown: ClassVar[dict[str, str]] = {
        "fall_0.5": "fall (0.5)",
        "right_0.5": "mIoU (0.5)",
        "wrong_0.5": "wrong prompt (0.5)",
        "fall_mean": "fall (mean)",
        "right_mean": "mIoU (mean)",
        "wrong_mean": "wrong prompt (mean)",
    }
    lower_is_better = frozenset({"wrong_0.5", "wrong_mean"})

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Tensor | None:
        return mask_label(region.mask, size)

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        size = batch.pixels.shape[-2:]
        right = min_max_maps(enlarge(maps, size))
        asked = [i for i, item in enumerate(items) if item.absent is not None and batch.head.knows(item.absent)]
        rows: list[dict[str, Any]] = [{"skipped": "no class that it does not hold is known"} for _ in items]
        if not asked:
            return rows
        absent = [[str(items[i].absent)] for i in asked]
        keys = [[f"{items[i].position}\0{items[i].label}\0absent"] for i in asked]
        pixels = batch.pixels[[items[i].position for i in asked]]
        wrong = min_max_maps(enlarge(again(pixels, batch.head.targets(absent), keys)[:, 0], size))
        for i, scaled in zip(asked, wrong, strict=True):
            of_wrong = pixel_counts(scaled, items[i].truth)
            rows[i] = pixel_counts(right[i], items[i].truth) | dict(zip(_WRONG, of_wrong.values(), strict=True))
        return rows

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


def _figures(sums: Array) -> dict[str, Array]:
    right, wrong = counts_of(sums), counts_of(sums[..., len(COUNTS) :])
    figures = {}
    for threshold in right:
        figures[f"right_{threshold}"] = 100 * right[threshold].mean_iou
        figures[f"wrong_{threshold}"] = 100 * wrong[threshold].mean_iou
        figures[f"fall_{threshold}"] = figures[f"right_{threshold}"] - figures[f"wrong_{threshold}"]
    return figures
