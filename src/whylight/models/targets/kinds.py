"""What methods see of a target: a scalar function of each row of a model's output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.models.scores import ScoreName
from whylight.models.view import View

Score = Literal["cosine", "dot"]


class Targets(ABC):
    """Some targets of a batch of inputs. The value of one row of outputs depends on that row alone."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def chunk(self, size: int) -> Sequence[Targets]:
        """The same targets, at most ``size`` at a time."""

    @abstractmethod
    def repeated(self, times: int) -> Targets:
        """The same targets for a batch that comes several times over."""

    @abstractmethod
    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        """What is explained, (batch, ..., targets), of outputs (batch, ..., dim).

        Args:
            score: how embeddings are compared.

        Raises:
            BadInput: targets that do not fit the output.
        """

    @abstractmethod
    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        """Each row's score by its own target, (targets x batch,), of outputs (targets x batch, dim): all rows of the
        first target first."""

    @abstractmethod
    def logits(self, view: View, output: Tensor) -> Tensor:
        """The same in the model's own logits, (batch, targets): a dual encoder's scale and bias included."""

    def shown(self) -> Targets:
        """What people are told about: the same, or what these are the negative of."""
        return self

    @abstractmethod
    def said(self, view: View, output: Tensor) -> Tensor:
        """What the model says of each, for people, (batch, targets): see :meth:`said_as`."""

    @abstractmethod
    def said_as(self, view: View) -> ScoreName:
        """What to call what is :meth:`said`."""

    @abstractmethod
    def terms(self, asker: str) -> tuple[PlainTargets, Tensor]:
        """The targets as weighted sums of plain ones: these, and weights (targets, plain targets) on the CPU.

        Args:
            asker: who needs it, for the line that refuses.

        Raises:
            UnsupportedModel: they are no such sums.
        """

    def embeddings(self, asker: str) -> Tensor:
        """(targets, dim) or (batch, targets, dim), where the targets are embeddings and nothing else.

        Raises:
            UnsupportedModel: they are not.
        """
        raise UnsupportedModel(f"{asker} is defined for prompts and embeddings as they are, not for {self.kind}")

    kind: str
    """What they are, in words."""


class PlainTargets(Targets):
    """Classes, or embeddings."""

    def terms(self, asker: str) -> tuple[PlainTargets, Tensor]:
        return self, torch.eye(len(self))

    @abstractmethod
    def joined(self, other: PlainTargets) -> PlainTargets:
        """These and others of the same kind."""

    @abstractmethod
    def directions(self, output: Tensor) -> Tensor:
        """What the output is multiplied with: (batch, targets, dim)."""
