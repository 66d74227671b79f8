"""From scenes to rows of SRG and SaCo: patches of the picture are erased before the tower sees it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.answer_faithfulness import AnswerFaithfulness
from whylight.evaluation.benchmarks.answer_relevance import explain_answer
from whylight.evaluation.benchmarks.faithfulness import COLUMNS
from whylight.evaluation.benchmarks.right_answers import Asked, RightAnswers, answer_logits, log_probability
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row
from whylight.evaluation.patch_erasing import flipping_curves, relevance_gain, saliency_coefficients
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.layers import run_blocks


class AnswerFaithfulnessRows(RightAnswers):
    """Erases what each method calls relevant, and what it does not.

    Raises:
        UnsupportedModel: of a question, where the tower is not given the picture as one square of pixels.
    """

    benchmark = AnswerFaithfulness()

    def of_answer(self, asked: Asked) -> list[Row]:
        erasable = _Erasable(self.view, asked)
        rows, maps = [asked.row(choice) for choice in self.choices], []
        for choice, row in zip(self.choices, rows, strict=True):
            _, shown = explain_answer(choice, asked.forced, [asked.words], asked.likeness, asked.key)
            relevance = shown[0, erasable.places].detach().float()
            if bool(torch.isfinite(relevance).all()):
                row["relevance"] = relevance.cpu().numpy()
                maps.append(relevance)
            else:
                row["skipped"] = NOT_FINITE
        if maps:
            measured = iter(self._measured(erasable, torch.stack(maps)))
            rows = [row if "skipped" in row else row | next(measured) for row in rows]
        return rows

    def _measured(self, erasable: _Erasable, relevance: Tensor) -> list[Row]:
        """Of maps (methods, patches)."""
        pixels = erasable.pixels.expand(len(relevance), -1, -1, -1)
        least, most = flipping_curves(erasable.log_odds, pixels, relevance, erasable.grid, self.benchmark.steps)
        gains = relevance_gain(least, most).tolist()
        coefficients = saliency_coefficients(erasable.probability, pixels, relevance, erasable.grid).tolist()
        each = zip(gains, coefficients, least.tolist(), most.tolist(), strict=True)
        return [dict(zip(COLUMNS, values, strict=True)) for values in each]


@dataclass(frozen=True)
class _Erasable:
    """A question whose picture's patches can be erased."""

    view: AnsweringView
    asked: Asked

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or len(self.pixels) != 1 or len(self.asked.forced.run.grids) != 1:
            raise UnsupportedModel(
                f"{self.view.name}: patches are erased where the tower is given the picture as one square of pixels; "
                "here it is cut into tiles or patches before"
            )

    @property
    def pixels(self) -> Tensor:
        """(1, 3, height, width)."""
        return self.asked.forced.inputs["pixel_values"]

    @property
    def grid(self) -> tuple[int, int]:
        (grid,) = self.asked.forced.run.grids
        return grid.rows, grid.columns

    @property
    def places(self) -> Tensor:
        """Positions of the picture's tokens in the sequence, (patches,)."""
        (grid,) = self.asked.forced.run.grids
        return grid.positions().flatten()

    def log_odds(self, pixels: Tensor) -> Tensor:
        """Of the answer, about other pictures in the picture's place: (pictures,)."""
        return torch.stack([self.asked.words.score(logits) for logits in self._logits(pixels)])

    def probability(self, pixels: Tensor) -> Tensor:
        return log_probability(self._logits(pixels), self.asked.words).exp()

    def _logits(self, pixels: Tensor) -> Tensor:
        """(pictures, rows, words)."""
        forced = self.asked.forced
        inputs = {name: value.expand(len(pixels), *value.shape[1:]) for name, value in forced.inputs.items()}
        run = self.view.begin(inputs | {"pixel_values": pixels}, answer=forced.run.answer)
        return answer_logits(forced, run_blocks(run, run.tokens), self.asked.words)
