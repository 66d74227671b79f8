"""Targets of one's own: any differentiable function of the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel, WhylightError
from whylight.models.scores import ScoreName
from whylight.models.targets.kinds import PlainTargets, Score, Targets
from whylight.models.view import View

Own = Callable[[Tensor], Tensor]
"""Outputs (batch, dim) to one value for each, (batch,): logits, or embeddings before they are normalised."""


@dataclass(frozen=True)
class OwnTargets(Targets):
    """Values of functions.

    Attributes:
        functions: each is checked whenever it is asked: its shape, that it has a derivative, and that no row's value
            depends on another row.
    """

    functions: tuple[Own, ...]
    kind = "functions of one's own"

    def __len__(self) -> int:
        return len(self.functions)

    def chunk(self, size: int) -> Sequence[OwnTargets]:
        starts = range(0, len(self), size)
        return [OwnTargets(self.functions[first : first + size]) for first in starts]

    def repeated(self, times: int) -> OwnTargets:
        return self

    def scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        rows = output.reshape(-1, output.shape[-1])
        values = torch.stack([_values(function, rows) for function in self.functions], dim=-1)
        return values.reshape(*output.shape[:-1], len(self))

    def paired_scores(self, output: Tensor, score: Score = "cosine") -> Tensor:
        parts = zip(self.functions, output.chunk(len(self)), strict=True)
        return torch.cat([_values(function, rows) for function, rows in parts])

    def logits(self, view: View, output: Tensor) -> Tensor:
        return self.scores(output)

    def said(self, view: View, output: Tensor) -> Tensor:
        return self.scores(output)

    def said_as(self, view: View) -> ScoreName:
        return "value"

    def terms(self, asker: str) -> tuple[PlainTargets, Tensor]:
        raise UnsupportedModel(
            f"{asker} begins at classes or embeddings, and a function of one's own is neither: give these, "
            "whylight.difference of two of them, or another method"
        )


def name_of(function: Own, index: int) -> str:
    """A function's name; "target 0" where it has none."""
    name = getattr(function, "__name__", "<lambda>")
    return f"target {index}" if name == "<lambda>" else str(name)


def _values(function: Own, output: Tensor) -> Tensor:
    value = _called_on(function, output)
    if output.requires_grad and not value.requires_grad:
        raise BadInput(
            "a target of one's own must have a derivative: no argmax, detach, numpy or torch.no_grad on the way from "
            "the output to its value"
        )
    if not bool(value.isfinite().all()):
        raise BadInput("a target of one's own gives NaN or infinity for this: it must be defined for any output")
    with torch.no_grad():
        some = output.detach()
        beside_others = _called_on(function, torch.cat([some, 1 - 2 * some]))[: len(some)]
        size = float(value.detach().abs().max())
        close = 2e-2 if value.dtype.itemsize < 4 else 1e-3
        if not torch.allclose(value.detach(), beside_others, rtol=close, atol=close * size):
            raise BadInput(
                "a target of one's own gives each picture the value of its own row of outputs, and this one's depends "
                "on other rows: no mean, softmax or norm over the batch"
            )
    return value


def _called_on(function: Own, output: Tensor) -> Tensor:
    try:
        value = function(output)
    except WhylightError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or "no more is said"
        shape = tuple(output.shape)
        raise BadInput(f"the target fails on outputs {shape}: {type(error).__name__}: {said}") from None
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.shape != output.shape[:1]:
        got = f"{tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise BadInput(
            f"a target of one's own takes outputs (batch, {output.shape[-1]}) and gives a floating tensor (batch,), "
            f"one value for each row; of {tuple(output.shape)} it gave {got}"
        )
    return value
