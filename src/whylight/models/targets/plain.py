"""Classes by their logits, and embeddings by likeness: what models are made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.scores import ScoreName, as_scores, check_rows
from whylight.models.targets.kinds import PlainTargets, Score
from whylight.models.view import View


@dataclass(frozen=True)
class ClassTargets(PlainTargets):
    """Logits of classes.

    Attributes:
        indices: (batch, targets) int64.
    """

    indices: Tensor
    kind = "classes"

    def __len__(self) -> int:
        return self.indices.shape[1]

    def chunk(self, size: int) -> Sequence[ClassTargets]:
        return [ClassTargets(part) for part in self.indices.split(size, dim=1)]

    def repeated(self, times: int) -> ClassTargets:
        return ClassTargets(self.indices.repeat(times, 1))

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        between = (1,) * (output.dim() - 2)
        indices = self.indices.reshape(len(output), *between, len(self))
        return output.gather(-1, indices.expand(*output.shape[:-1], len(self)))

    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        check_rows("the model", output)
        return output.gather(1, self.indices.T.reshape(-1, 1))[:, 0]

    def logits(self, view: View, output: Tensor) -> Tensor:
        return self.scores(output)

    def said(self, view: View, output: Tensor) -> Tensor:
        # Of all classes, of which the targets are some.
        return self.scores(as_scores(output, view.scores))

    def said_as(self, view: View) -> ScoreName:
        return view.score_name

    def joined(self, other: PlainTargets) -> ClassTargets:
        assert isinstance(other, ClassTargets)
        return ClassTargets(torch.cat([self.indices, other.indices], dim=1))

    def directions(self, output: Tensor) -> Tensor:
        return F.one_hot(self.indices, output.shape[-1]).to(output)


@dataclass(frozen=True)
class EmbeddingTargets(PlainTargets):
    """Likeness to embeddings: of prompts, of pictures.

    Attributes:
        values: (targets, dim) or (batch, targets, dim), floating.
    """

    values: Tensor
    kind = "embeddings"

    def __len__(self) -> int:
        return self.values.shape[-2]

    def chunk(self, size: int) -> Sequence[EmbeddingTargets]:
        return [EmbeddingTargets(part) for part in self.values.split(size, dim=-2)]

    def repeated(self, times: int) -> EmbeddingTargets:
        return self if self.values.dim() == 2 else EmbeddingTargets(self.values.repeat(times, 1, 1))

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        output, values = self._comparable(output, self.values, score)
        return output @ values.T if values.dim() == 2 else torch.einsum("b...d,btd->b...t", output, values)

    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        check_rows("the model", output)
        batch = len(output) // len(self)
        each = self.values[:, None].expand(-1, batch, -1) if self.values.dim() == 2 else self.values.transpose(0, 1)
        output, values = self._comparable(output, each.reshape(-1, self.values.shape[-1]), score)
        return (output * values).sum(-1)

    def logits(self, view: View, output: Tensor) -> Tensor:
        return self.scores(output) * view.logit_scale + view.logit_bias

    def said(self, view: View, output: Tensor) -> Tensor:
        return self.scores(output)

    def said_as(self, view: View) -> ScoreName:
        return "cosine"

    def joined(self, other: PlainTargets) -> EmbeddingTargets:
        assert isinstance(other, EmbeddingTargets)
        batch = torch.broadcast_shapes(self.values.shape[:-2], other.values.shape[:-2])
        parts = [part.expand(*batch, *part.shape[-2:]) for part in (self.values, other.values)]
        return EmbeddingTargets(torch.cat(parts, dim=-2))

    def directions(self, output: Tensor) -> Tensor:
        _, values = self._comparable(output, self.values, "dot")
        return values.expand(len(output), -1, -1)

    def embeddings(self, asker: str) -> Tensor:
        return self.values

    def _comparable(self, output: Tensor, values: Tensor, score: Score) -> tuple[Tensor, Tensor]:
        values = values.to(output)
        if values.shape[-1] != output.shape[-1]:
            raise BadInput(f"target embeddings have {values.shape[-1]} dimensions, the model's have {output.shape[-1]}")
        if score == "cosine":
            return F.normalize(output, dim=-1), F.normalize(values, dim=-1)
        return output, values
