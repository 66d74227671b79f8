"""This rather than that, and what speaks against: targets made of other targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.models.scores import ScoreName
from whylight.models.targets.kinds import PlainTargets, Score, Targets
from whylight.models.view import View


@dataclass(frozen=True)
class DifferenceTargets(Targets):
    """Why this rather than that: one target's logit minus another's.

    Attributes:
        this, that: as many targets each.
    """

    this: Targets
    that: Targets
    kind = "differences"

    def __len__(self) -> int:
        return len(self.this)

    def chunk(self, size: int) -> Sequence[DifferenceTargets]:
        pairs = zip(self.this.chunk(size), self.that.chunk(size), strict=True)
        return [DifferenceTargets(this, that) for this, that in pairs]

    def repeated(self, times: int) -> DifferenceTargets:
        return DifferenceTargets(self.this.repeated(times), self.that.repeated(times))

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        return self.this.scores(output, score) - self.that.scores(output, score)

    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        return self.this.paired_scores(output, score) - self.that.paired_scores(output, score)

    def logits(self, view: View, output: Tensor) -> Tensor:
        return self.this.logits(view, output) - self.that.logits(view, output)

    def said(self, view: View, output: Tensor) -> Tensor:
        return self.logits(view, output)

    def said_as(self, view: View) -> ScoreName:
        return "difference"

    def terms(self, asker: str) -> tuple[PlainTargets, Tensor]:
        (this, plus), (that, minus) = self.this.terms(asker), self.that.terms(asker)
        return this.joined(that), torch.cat([plus, -minus], dim=1)


@dataclass(frozen=True)
class NegativeTargets(Targets):
    """What speaks against targets: minus their scores. What the model says of them stays what it is.

    Attributes:
        of: the targets.
    """

    of: Targets
    kind = "negative targets"

    def __len__(self) -> int:
        return len(self.of)

    def chunk(self, size: int) -> Sequence[NegativeTargets]:
        return [NegativeTargets(part) for part in self.of.chunk(size)]

    def repeated(self, times: int) -> NegativeTargets:
        return NegativeTargets(self.of.repeated(times))

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        return -self.of.scores(output, score)

    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        return -self.of.paired_scores(output, score)

    def logits(self, view: View, output: Tensor) -> Tensor:
        return -self.of.logits(view, output)

    def shown(self) -> Targets:
        return self.of

    def said(self, view: View, output: Tensor) -> Tensor:
        return self.of.said(view, output)

    def said_as(self, view: View) -> ScoreName:
        return self.of.said_as(view)

    def terms(self, asker: str) -> tuple[PlainTargets, Tensor]:
        plain, weights = self.of.terms(asker)
        return plain, -weights
