"""What a rule set says, and the division that all rules share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

STABILIZER = 1e-9
"""Added to every denominator, as in Chefer et al.'s published rules."""


@dataclass(frozen=True)
class Rules:
    """The rules in which sets of rules differ. All others are the same for every set.

    Attributes:
        name: what users call the set.
        linear: ``linear(relevance, output, x, weight, bias)``: relevance of x, shaped like x, for
            output = x weightᵀ + bias.
        add: ``add(relevance, u, v)``: relevance of u and of v, both shaped like u + v, for u + v. The first dimension
            is the batch.
    """

    name: str
    linear: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None], Tensor]
    add: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def divide(relevance: Tensor, z: Tensor) -> Tensor:
    """R / Z, stabilised; 0 where Z is 0."""
    return relevance / (z + STABILIZER).masked_fill_(z == 0, torch.inf)
