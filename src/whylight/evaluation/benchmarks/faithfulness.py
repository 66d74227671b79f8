"""SRG and SaCo over rows: whether a map tells what the score of its class rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Explained, Item, Rows, estimate_columns
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.patch_erasing import STEPS, flipping_curves, on_patches, relevance_gain, saliency_coefficients
from whylight.models.scores import as_scores

COLUMNS = {"gain": "float64", "coefficient": "float64", "least": "list<float>", "most": "list<float>"}
"""Of a map: SRG, SaCo, and the score with 0, 1/steps ... of all patches erased, least and most relevant first."""


class Faithfulness(Benchmark):
    """SRG: the explained class's logit while patches go, least minus most relevant first. SaCo: whether groups of
    patches that are more relevant cost more of its probability."""

    protocol = "faithfulness"
    version = 1
    main_figure = "srg"
    columns: ClassVar[dict[str, str]] = COLUMNS
    figures_shown: ClassVar[dict[str, str]] = {"srg": "SRG (logits)", "saco": "SaCo"}
    units: ClassVar[dict[str, str]] = {"srg": "logits"}
    needs_class = True
    steps: ClassVar[int] = STEPS
    explains: tuple[Explained, ...] = ("predicted", "target")

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> bool:
        return True

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        pixels = batch.pixels[[item.position for item in items]]
        shown = torch.tensor([batch.head.index(item.shown) for item in items], device=pixels.device)
        relevance = on_patches(maps, batch.grid)

        def logits(some: Tensor) -> Tensor:
            """Of what is explained, of pictures that come several times over."""
            all_of_them = batch.head.logits(batch.head.view.output(some))
            return all_of_them.gather(1, shown.repeat(len(some) // len(shown))[:, None])[:, 0]

        def probability(some: Tensor) -> Tensor:
            scores = as_scores(batch.head.logits(batch.head.view.output(some)), batch.head.scores)
            return scores.gather(1, shown[:, None])[:, 0]

        least, most = flipping_curves(logits, pixels, relevance, batch.grid, self.steps)
        gains = relevance_gain(least, most).tolist()
        coefficients = saliency_coefficients(probability, pixels, relevance, batch.grid).tolist()
        each = zip(gains, coefficients, least.tolist(), most.tolist(), strict=True)
        return [dict(zip(COLUMNS, values, strict=True)) for values in each]

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, COLUMNS, faithfulness_figures)


class ScenesFaithfulness(Faithfulness):
    """The same in 25 steps: scenes have 144 patches, so that 100 would erase one or two at a time."""

    version = 2
    steps: ClassVar[int] = 25


def faithfulness_figures(sums: Array) -> dict[str, Array]:
    """SRG, SaCo in percent and the mean curves, of what :data:`COLUMNS` add up to and the number of rows."""
    mean = sums / sums[..., -1:]
    points = (sums.shape[-1] - 3) // 2
    return {
        "srg": mean[..., 0],
        "saco": 100 * mean[..., 1],
        "least_curve": mean[..., 2 : 2 + points],
        "most_curve": mean[..., 2 + points : -1],
    }
