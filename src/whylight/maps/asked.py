"""What is asked of each picture: the same prompts, prompts of its own, or what the model predicts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from whylight.errors import WhylightError, WhylightWarning
from whylight.maps.decoded import Decoded, Failed
from whylight.models.scores import ScoreName
from whylight.models.targets import Negative, TargetsLike, as_targets
from whylight.models.view import View
from whylight.pictures.name_prompts import name_prompts
from whylight.pictures.prompt_memory import PromptMemory
from whylight.pictures.prompts_and_classes import NamedTargets, name_targets
from whylight.runs.inputs.sample import Problem


class Asked:
    """The question of a run.

    Args:
        same: asked of every picture; None where each has its own prompts, or the model's classes are meant.
        top: only so many that the model finds likeliest are explained.
        negative: what speaks against them is explained.
        without: prompts of which each picture's own are cleaned.
    """

    def __init__(
        self,
        view: View,
        same: NamedTargets | None,
        top: int | None,
        negative: bool = False,
        without: Sequence[str] = (),
    ) -> None:
        self.view, self.top, self.negative, self.without = view, top, negative, without
        self._memory = PromptMemory(view)
        self._same = same
        self._classes: list[str] | None = None
        if view.classifies:
            count = view.class_count or 0
            self._classes = view.class_names or [f"class {index}" for index in range(count)]

    @property
    def targets(self) -> int | None:
        """How many targets each picture has, where all have equally many."""
        there = None if self._same is None else len(self._same.names)
        return self.top if self.top is not None and there is None else there

    def named(self, items: Sequence[Decoded]) -> tuple[list[Decoded], list[NamedTargets], list[Failed]]:
        """Pictures with prompts of their own and their targets; those whose prompts the model cannot take."""
        good, named, failed = [], [], []
        for item in items:
            try:
                with warnings.catch_warnings():  # a line for every picture would tell nobody anything
                    warnings.simplefilter("ignore", WhylightWarning)
                    named.append(self._named(list(item.prompts or ())))
                good.append(item)
            except WhylightError as error:
                failed.append(Failed(item.key, item.source, Problem("bad-prompt", str(error)), item.kept))
        return good, named, failed

    def _named(self, prompts: list[str]) -> NamedTargets:
        if self.without:
            return name_prompts(self.view, prompts, self._memory.encode, without=self.without)
        return name_targets(self.view, prompts, self._memory.encode)

    def targets_of(
        self, batch: int, named: Sequence[NamedTargets] | None, output: Callable[[], Tensor]
    ) -> tuple[TargetsLike, list[tuple[str, ...]]]:
        """What methods take, (targets, dim) or (batch, targets, dim) embeddings or (batch, targets) classes,
        differences of them, or the negative of all that; each picture's names.

        Args:
            named: of each picture, where each has its own.
            output: gives the model's output, (batch, dim), where that decides.
        """
        if named is not None:
            values: TargetsLike = torch.stack([torch.as_tensor(one.values) for one in named])
            names = [one.names for one in named]
        elif self._same is not None:
            values, names = self._same.values, [self._same.names] * batch
        else:
            assert self._classes is not None
            values, names = torch.arange(len(self._classes)), [tuple(self._classes)] * batch
        if self.top is not None:
            values, names = self._top(output(), torch.as_tensor(values), names)
        if self.negative:
            values, names = Negative(values), [tuple(f"against {name}" for name in row) for row in names]
        return values, names

    def said(self, output: Tensor, values: TargetsLike) -> tuple[Tensor, Tensor]:
        """Scores and logits of targets, (batch, targets) each, on the CPU, from the model's output (batch, dim)."""
        with torch.no_grad():
            targets = as_targets(self.view, values, len(output)).shown()
            scores, logits = targets.said(self.view, output), targets.logits(self.view, output)
        return scores.float().cpu(), logits.float().cpu()

    def example(self, pixels: Tensor) -> TargetsLike:
        """One picture's targets of the kind that all pictures have."""
        if self._same is not None:
            values = self._same.values
        else:
            values = torch.zeros(1, 1, dtype=torch.long) if self.view.classifies else self.view.output(pixels).detach()
        return Negative(values) if self.negative else values

    @property
    def score_name(self) -> ScoreName:
        """What to call the scores."""
        return (
            self.view.score_name
            if self._same is None
            else as_targets(self.view, self._same.values, 1).said_as(self.view)
        )

    def _top(
        self, output: Tensor, values: Tensor, names: list[tuple[str, ...]]
    ) -> tuple[Tensor, list[tuple[str, ...]]]:
        assert self.top is not None
        with torch.no_grad():
            logits = as_targets(self.view, values, len(output)).logits(self.view, output)
        best = logits.topk(min(self.top, logits.shape[1])).indices
        chosen = [tuple(row[index] for index in picks) for row, picks in zip(names, best.tolist(), strict=True)]
        if values.is_floating_point():
            each = values.expand(len(output), *values.shape[-2:])
            return torch.take_along_dim(each, best[..., None].to(each.device), 1), chosen
        each = values.expand(len(output), values.shape[-1]).to(best.device)
        return torch.take_along_dim(each, best, 1), chosen
