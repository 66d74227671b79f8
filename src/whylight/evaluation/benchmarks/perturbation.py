"""The perturbation protocol over rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.perturbation import Curve, hits_when_erased
from whylight.evaluation.pixel_maps import enlarge

_DIRECTIONS = ("positive", "negative")


class Perturbation(Benchmark):
    """Accuracy against the true class while pixels are erased, and the area under it.

    Of a model of labels that each hold or not, it is right where it holds the true one likelier than not.
    """

    protocol = "perturbation"
    version = 2
    main_figure = "negative_auc"
    columns: ClassVar[dict[str, str]] = {"clean": "bool", "positive": "list<bool>", "negative": "list<bool>"}
    figures_shown: ClassVar[dict[str, str]] = {
        "negative_auc": "negative AUC",
        "positive_auc": "positive AUC",
        "accuracy": "clean accuracy",
    }
    lower_is_better = frozenset({"positive_auc"})
    needs_class = True
    explains: tuple[Explained, ...] = ("predicted", "target")

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> bool:
        return True

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        positions = [item.position for item in items]
        pixels = batch.pixels[positions]
        truth = torch.tensor([batch.head.index(item.label) for item in items], device=pixels.device)
        enlarged = enlarge(maps, pixels.shape[-2:]).to(pixels.device)
        clean = batch.head.says(pixels, truth)

        def said(erased: Tensor) -> Tensor:
            """The true class where the model says it, else none."""
            return torch.where(batch.head.says(erased, truth), truth, -1)

        hits = {
            direction: hits_when_erased(
                said, pixels, enlarged, truth, batch.black, most_relevant_first=direction == "positive"
            ).T.tolist()
            for direction in _DIRECTIONS
        }
        return [
            {"clean": bool(clean[i]), **{direction: hits[direction][i] for direction in _DIRECTIONS}}
            for i in range(len(items))
        ]

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, ("clean", "positive", "clean", "negative"), _figures)


def _figures(sums: Array) -> dict[str, Array]:
    positive, negative = Curve(sums[..., :10], sums[..., -1]), Curve(sums[..., 10:20], sums[..., -1])
    return {
        "negative_auc": negative.auc,
        "positive_auc": positive.auc,
        "accuracy": 100 * positive.accuracy[..., 0],
        "positive_curve": 100 * positive.accuracy,
        "negative_curve": 100 * negative.accuracy,
    }
