"""Randomised parameters over rows: how far a map stays what it was while the model's blocks become random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.randomized import randomized_from_the_last
from whylight.evaluation.rank_correlation import rank_correlation
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

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        pixels = batch.pixels[[item.position for item in items]]
        targets = batch.head.targets([[item.shown] for item in items])
        keys = [[f"{item.position}\0{item.shown}"] for item in items]
        # Asked alone, as the random models are: some methods look at all targets of a picture together.
        learnt = again(pixels, targets, keys).flatten(1)
        found = []
        for random in randomized_from_the_last(batch.head.view, pixels[:1]):
            with shared_passes():
                found.append(rank_correlation(learnt, again(pixels, targets, keys, random).flatten(1)))
        return [{"correlations": row} for row in torch.stack(found, dim=1).tolist()]

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
