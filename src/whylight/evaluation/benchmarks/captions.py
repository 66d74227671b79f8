"""The protocol of captions over rows: words for objects and words for nothing (Li et al., ICCV 2025, TAM)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture


class Captions(Protocol):
    """Of the model's own captions. Obj-IoU: of each word for something annotated, IoU of its map, cut at Otsu's
    threshold, with the object; Func-IoU: of each function word, the share of its map that stays below the mean
    threshold of the picture's objects; F1-IoU: the harmonic mean of both.
    """

    protocol = "captions"
    version = 1
    main_figure = "f1"
    columns: ClassVar[dict[str, str]] = {"object_iou": "float64", "function_iou": "float64"}
    figures_shown: ClassVar[dict[str, str]] = {"f1": "F1-IoU", "object": "Obj-IoU", "function": "Func-IoU"}
    explained_as: str = "words"
    explains: tuple[Explained, ...] = ("target",)

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        values = np.stack([np.array(rows[name].tolist(), dtype=np.float64) for name in self.columns], 1)
        there = np.isfinite(values)
        stacked = np.concatenate([np.nan_to_num(values), there], axis=1)
        return estimate(per_picture(rows["picture"], stacked), _figures)


def _figures(sums: Array) -> dict[str, Array]:
    with np.errstate(invalid="ignore", divide="ignore"):
        on_objects, off = (100 * sums[..., i] / sums[..., i + 2] for i in (0, 1))
        both = 2 * on_objects * off / (on_objects + off)
    return {"f1": both, "object": on_objects, "function": off}
