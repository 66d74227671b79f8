"""Own object over rows: of two objects in a picture, is each one's map higher on it than the other's map?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Item, Rows, estimate_columns
from whylight.evaluation.benchmarks.object_labels import mask_label
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.own_object import auroc, means_on
from whylight.evaluation.pixel_maps import enlarge, min_max_maps


class OwnObject(Benchmark):
    """Of pictures with two objects: whether the mean of a map, scaled to [0, 1], tells the map's own object from the
    other one (area under the ROC curve of each picture's two maps on its two objects); and how often an object's own
    map is higher on it than the other's map. A map that no prompt changes has 50 %."""

    protocol = "own-object"
    version = 1
    main_figure = "auroc"
    columns: ClassVar[dict[str, str]] = {"auroc": "float64", "own_higher": "float64"}
    figures_shown: ClassVar[dict[str, str]] = {"auroc": "AUROC", "own_higher": "own map higher"}

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Tensor | None:
        return mask_label(region.mask, size) if len(sample.regions) == 2 else None

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        scaled = min_max_maps(enlarge(maps, batch.pixels.shape[-2:]))
        rows: list[dict[str, Any]] = [{"skipped": "only one of its two maps can be measured"} for _ in items]
        for position in {item.position for item in items}:
            pair = [i for i, item in enumerate(items) if item.position == position]
            if len(pair) == 2:
                table = means_on(scaled[pair], torch.stack([items[i].truth for i in pair]))
                for place, i in enumerate(pair):
                    own, other = float(table[place, place]), float(table[1 - place, place])
                    rows[i] = {"auroc": auroc(table), "own_higher": (own > other) + (own == other) / 2}
        return rows

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


def _figures(sums: Array) -> dict[str, Array]:
    return {name: 100 * sums[..., i] / sums[..., -1] for i, name in enumerate(("auroc", "own_higher"))}
