"""Targets in the forms that people give them, checked against the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.targets.combined import DifferenceTargets, NegativeTargets
from whylight.models.targets.kinds import Targets
from whylight.models.targets.own import Own, OwnTargets
from whylight.models.targets.plain import ClassTargets, EmbeddingTargets
from whylight.models.view import View


@dataclass(frozen=True)
class Difference:
    """Why ``this`` rather than ``that``; see :func:`difference`."""

    this: Any
    that: Any


@dataclass(frozen=True)
class Negative:
    """What speaks against targets ``of`` any form."""

    of: Any


TargetsLike = (
    Tensor
    | int
    | Sequence[int]
    | Sequence[Sequence[int]]
    | Own
    | Sequence[Own]
    | Difference
    | Sequence[Difference]
    | Negative
)


def difference(this: Any, that: Any) -> Difference:
    """A target: why this rather than that. Its score is the difference of the two logits.

    A classifier's is ``output[:, this] - output[:, that]``; a dual encoder's is its logit scale times the difference of
    the two cosines (the bias cancels).

    Args:
        this, that: two prompts, two names or indices of classes, or two embeddings (dim,). Lists of them, of one
            length, make as many targets.
    """
    return Difference(this, that)


def as_targets(view: View, targets: TargetsLike, batch: int) -> Targets:
    """Targets in any of the accepted forms, checked against the model.

    Args:
        targets: (targets, dim) embeddings; class indices: an int, a list for all pictures, or one list per picture
            (all of one length); :func:`difference` of two of these; functions of the output, one or a list.

    Raises:
        BadInput: empty, of another length than the batch, or of the wrong kind for the model.
    """
    targets = listed(targets)
    if isinstance(targets, Negative):
        return NegativeTargets(as_targets(view, targets.of, batch))
    if isinstance(targets, Difference):
        return _difference(*(as_targets(view, listed(part), batch) for part in (targets.this, targets.that)))
    if are_functions(targets):
        return OwnTargets(targets)
    return _plain(view, targets, batch)


def listed(targets: Any) -> Any:
    """One function as a tuple of one, several as a tuple; several differences as one of several targets each."""
    if callable(targets):
        return (targets,)
    if isinstance(targets, (list, tuple)) and targets:
        if all(map(callable, targets)):
            return tuple(targets)
        if all(isinstance(each, Difference) for each in targets):
            return Difference([each.this for each in targets], [each.that for each in targets])
        if all(isinstance(each, Tensor) and each.dim() == 1 and each.is_floating_point() for each in targets):
            return torch.stack(list(targets)) if len({len(each) for each in targets}) == 1 else targets
    return targets


def are_functions(targets: object) -> TypeGuard[tuple[Own, ...]]:
    """Whether these are functions of one's own, as :func:`listed` gives them."""
    return isinstance(targets, tuple) and bool(targets) and all(map(callable, targets))


def _difference(this: Targets, that: Targets) -> DifferenceTargets:
    if type(this) is not type(that) or len(this) != len(that):
        raise BadInput(
            f"a difference is of as many targets of one kind on both sides, not of {len(this)} {this.kind} and "
            f"{len(that)} {that.kind}"
        )
    return DifferenceTargets(_of_length_one(this), _of_length_one(that))


def _of_length_one(targets: Targets) -> Targets:
    """Cosines are what is subtracted, also where a method takes the embeddings as directions."""
    if isinstance(targets, EmbeddingTargets):
        return EmbeddingTargets(F.normalize(targets.values, dim=-1))
    return targets


def _plain(view: View, targets: Any, batch: int) -> ClassTargets | EmbeddingTargets:
    values = as_values(targets, view.parameter.device)
    if values.numel() == 0:
        raise BadInput("no target given: name at least one prompt, class or embedding")
    return _embeddings(view, values, batch) if values.is_floating_point() else _classes(view, values, batch)


def _embeddings(view: View, values: Tensor, batch: int) -> EmbeddingTargets:
    if view.classifies:
        raise BadInput(f"{view.name} is a classifier: its targets are class indices, not embeddings")
    values = values.unsqueeze(0) if values.dim() == 1 else values
    if values.dim() not in (2, 3) or (values.dim() == 3 and len(values) != batch):
        raise BadInput(f"target embeddings are (targets, dim); got {tuple(values.shape)} for {batch} pictures")
    return EmbeddingTargets(values)


def _classes(view: View, values: Tensor, batch: int) -> ClassTargets:
    if not view.classifies:
        raise BadInput(f"{view.name} gives embeddings: its targets are (targets, dim) embeddings, not class indices")
    values = values.reshape(1, 1) if values.dim() == 0 else values
    values = values.expand(batch, -1) if values.dim() == 1 or values.shape[0] == 1 else values
    if values.dim() != 2 or values.shape[0] != batch:
        raise BadInput(
            f"class indices are an int, a list, or one list per picture; got {tuple(values.shape)} for {batch} pictures"
        )
    count = view.class_count
    if count is not None and not 0 <= int(values.min()) <= int(values.max()) < count:
        asked = torch.unique(values).tolist()
        raise BadInput(f"{view.name} has {count} classes, numbered from 0: {asked} are not all among them")
    return ClassTargets(values)


def _holds_text(targets: object) -> bool:
    return isinstance(targets, str) or (isinstance(targets, (list, tuple)) and any(map(_holds_text, targets)))


def as_values(targets: object, device: torch.device) -> Tensor:
    """Floating embeddings, or int64 class indices; a copy where a tensor made under inference mode cannot serve."""
    try:
        values = torch.as_tensor(targets, device=device).detach()
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        if _holds_text(targets):
            raise BadInput(
                "targets here are embeddings or class indices: whylight.explain takes prompts and names, and "
                "view.encode_text makes embeddings of prompts"
            ) from None
        line = str(error).partition("\n")[0]
        raise BadInput(f"targets must be embeddings or class indices, every picture the same number: {line}") from None
    if values.dtype == torch.bool or values.is_complex() or values.layout != torch.strided or values.is_quantized:
        raise BadInput(f"targets must be embeddings or class indices, not {values.layout} {values.dtype}")
    values = values if values.is_floating_point() else values.long()
    return values.clone() if values.is_inference() else values
