"""What is explained: prompt embeddings or classes, and the score of an output for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.view import View

Score = Literal["cosine", "dot"]
TargetsLike = Tensor | int | Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Targets:
    """Embeddings or classes that outputs are scored against.

    Attributes:
        values: (targets, dim) or (batch, targets, dim) floating embeddings, or (batch, targets) int64 class indices.
    """

    values: Tensor

    @property
    def classes(self) -> bool:
        return not self.values.is_floating_point()

    def __len__(self) -> int:
        return self.values.shape[1] if self.classes else self.values.shape[-2]

    def chunk(self, size: int) -> list[Targets]:
        """The same targets, at most ``size`` at a time."""
        return [Targets(part) for part in torch.split(self.values, size, dim=1 if self.classes else -2)]

    def repeated(self, times: int) -> Targets:
        """The same targets for a batch that comes several times over."""
        if self.values.dim() == 2 and not self.classes:
            return self
        return Targets(self.values.expand(times, *self.values.shape).flatten(0, 1))

    def one_by_one(self, batch: int) -> Targets:
        """One target per row of outputs (targets x batch, dim), the rows of the first target first."""
        values = self.values
        if self.classes:
            return Targets(values.T.reshape(-1, 1))
        each = values[:, None].expand(-1, batch, -1) if values.dim() == 2 else values.transpose(0, 1)
        return Targets(each.reshape(-1, 1, values.shape[-1]))

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        """Scores (batch, targets) of outputs (batch, dim): the class's logit, or cosine or dot with the embedding.

        Raises:
            BadInput: embeddings of another dimension than the model's.
        """
        if self.classes:
            return output.gather(1, self.values)
        values = self.values.to(output.dtype)
        if values.shape[-1] != output.shape[-1]:
            raise BadInput(f"target embeddings have {values.shape[-1]} dimensions, the model's have {output.shape[-1]}")
        if score == "cosine":
            output, values = F.normalize(output, dim=-1), F.normalize(values, dim=-1)
        return output @ values.T if values.dim() == 2 else torch.einsum("bd,btd->bt", output, values)

    def logits(self, view: View, output: Tensor) -> Tensor:
        """The model's own logits (batch, targets): a dual encoder's scale and bias included."""
        scores = self.scores(output)
        return scores if self.classes else scores * view.logit_scale + view.logit_bias


def as_targets(view: View, targets: TargetsLike, batch: int) -> Targets:
    """Targets in any of the accepted forms, checked against the model.

    Args:
        targets: (targets, dim) embeddings, or class indices: an int, a list for all pictures, or one list per picture
            (all of one length).

    Raises:
        BadInput: empty, of another length than the batch, or of the wrong kind for the model.
    """
    values = as_values(targets, view.parameter.device)
    if values.numel() == 0:
        raise BadInput("no target given: name at least one prompt, class or embedding")
    if values.is_floating_point():
        if view.classifies:
            raise BadInput(f"{view.name} is a classifier: its targets are class indices, not embeddings")
        values = values.unsqueeze(0) if values.dim() == 1 else values
        if values.dim() not in (2, 3) or (values.dim() == 3 and len(values) != batch):
            raise BadInput(f"target embeddings are (targets, dim); got {tuple(values.shape)} for {batch} pictures")
    else:
        if not view.classifies:
            raise BadInput(
                f"{view.name} gives embeddings: its targets are (targets, dim) embeddings, not class indices"
            )
        values = values.reshape(1, 1) if values.dim() == 0 else values
        values = values.expand(batch, -1) if values.dim() == 1 or values.shape[0] == 1 else values
        if values.dim() != 2 or values.shape[0] != batch:
            raise BadInput(
                "class indices are an int, a list, or one list per picture; "
                f"got {tuple(values.shape)} for {batch} pictures"
            )
    count = view.class_count
    if not values.is_floating_point() and count is not None and not 0 <= int(values.min()) <= int(values.max()) < count:
        asked = torch.unique(values).tolist()
        raise BadInput(f"{view.name} has {count} classes, numbered from 0: {asked} are not all among them")
    return Targets(values)


def as_values(targets: object, device: torch.device) -> Tensor:
    """Floating embeddings, or int64 class indices; a copy where a tensor made under inference mode cannot serve."""
    try:
        values = torch.as_tensor(targets, device=device).detach()
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        line = str(error).partition("\n")[0]
        raise BadInput(f"targets must be embeddings or class indices, every picture the same number: {line}") from None
    if values.dtype == torch.bool or values.is_complex() or values.layout != torch.strided or values.is_quantized:
        raise BadInput(f"targets must be embeddings or class indices, not {values.layout} {values.dtype}")
    values = values if values.is_floating_point() else values.long()
    return values.clone() if values.is_inference() else values
