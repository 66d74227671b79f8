"""Randomised parameters over rows: how far a map stays what it was while the model's blocks become random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.randomized import RandomizedBlocks
from whylight.evaluation.rank_correlation import rank_correlation
from whylight.models.view import View
from whylight.passes.sharing import shared_passes


class RandomizedParameters(Benchmark):
    """Rank correlation of each map with the map of the same model whose last block is random, last two, ... all.

    A map that does not change has explained nothing of what was learnt; baselines, which look at no model, keep 100 %.
    """

    protocol = "randomized"
    version = 1
    main_figure = "correlation_all"
    columns: ClassVar[dict[str, str]] = {"correlations": "list<float>"}
    figures_shown: ClassVar[dict[str, str]] = {
        "correlation_all": "rank corr., all random",
        "correlation_half": "rank corr., last half",
        "correlation_last": "rank corr., last block",
    }
    lower_is_better = frozenset(figures_shown)
    explains: tuple[Explained, ...] = ("target", "predicted")

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> bool:
        return True

    def __init__(self) -> None:
        self._randomized: RandomizedBlocks | None = None

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        asked: dict[int, dict[str, int]] = {}
        for item in items:
            asked.setdefault(item.position, {}).setdefault(item.shown, len(asked[item.position]))
        most = max(map(len, asked.values()))
        shown = [[*labels, *[next(iter(labels))] * (most - len(labels))] for labels in asked.values()]
        pixels = batch.pixels[list(asked)]
        targets = batch.head.targets(shown)
        keys = [[f"{position}\0{label}" for label in row] for position, row in zip(asked, shown, strict=True)]
        # Asked again, as the random models are: some methods look at all targets of a picture together.
        learnt = again(pixels, targets, keys).flatten(2)
        curves = []
        for random in self._blocks(batch.head.view, pixels[:1]):
            with shared_passes():
                found = again(pixels, targets, keys, random).flatten(2)
            curves.append(rank_correlation(learnt.flatten(0, 1), found.flatten(0, 1)).view(learnt.shape[:2]))
        of_target = torch.stack(curves, dim=-1)
        row_of = {position: row for row, position in enumerate(asked)}
        return [
            {"correlations": of_target[row_of[item.position], asked[item.position][item.shown]].tolist()}
            for item in items
        ]

    def _blocks(self, view: View, inputs: Tensor) -> RandomizedBlocks:
        """The random copies, which all pictures and methods share."""
        if self._randomized is None or self._randomized.model is not view:
            self._randomized = RandomizedBlocks(view, inputs)
        return self._randomized

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


def _figures(sums: Array) -> dict[str, Array]:
    curve = 100 * sums[..., :-1] / sums[..., -1:]
    half = curve.shape[-1] // 2
    return {
        "correlation_all": curve[..., -1],
        "correlation_half": curve[..., max(half, 1) - 1],
        "correlation_last": curve[..., 0],
        "correlation_curve": curve,
    }
