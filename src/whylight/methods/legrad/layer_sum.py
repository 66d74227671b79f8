"""LeGrad's sum over layers from what each layer offers: seeds through the head, gradients, their reduction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Protocol

import torch
from torch import Tensor

from whylight.attention import AttentionCall, gradient_relevance
from whylight.models.targets import Score, Targets
from whylight.models.view import Block

WAITING_BYTES = 8 * 2**20
"""How much layers may hold that wait for one another: their seeds are one way through the head."""

SEEDS = 64
"""How many targets times layers go through the head at once."""


class Layer(Protocol):
    """What one layer of one input shares among all prompts.

    Attributes:
        call: its attention.
        pooled: z, the mean of its output tokens, (batch, width).
    """

    @property
    def call(self) -> AttentionCall: ...

    @property
    def pooled(self) -> Tensor: ...

    def gradients(self, seeds: Tensor, weights: Tensor) -> Iterator[Tensor]:
        """G for seeds u (targets, batch, width), in their order: (some targets, batch, heads, tokens, head width).

        Args:
            seeds: from :func:`seeds_of`.
            weights: ω, (tokens,) share of each token in the pooled vector; sums to one.
        """

    def tensors(self) -> Iterator[Tensor]:
        """What it holds of its input."""


def relevance_of_layers(
    groups: Iterable[list[Layer]], head: Block, targets: Targets, *, score: Score, weights: Tensor, centered: bool
) -> Tensor:
    """The sum over layers of E_l, (targets, batch, tokens), as :func:`~whylight.methods.legrad.legrad.legrad` says.

    Args:
        groups: layers whose seeds are taken together. Each is let go when it is done, and leaves its group empty.
    """
    return reduce(Tensor.add_, parts_of_layers(groups, head, targets, score=score, weights=weights, centered=centered))


def parts_of_layers(
    groups: Iterable[list[Layer]], head: Block, targets: Targets, *, score: Score, weights: Tensor, centered: bool
) -> Iterator[Tensor]:
    """E_l of one layer after the other, (targets, batch, tokens); arguments as for :func:`relevance_of_layers`."""
    for group in groups:
        seeds = _seeds_of_layers(head, [layer.pooled for layer in group], targets, score)
        while group:
            yield _relevance_of_layer(group.pop(0), next(seeds), weights=weights, centered=centered)


def small_ones_together(layers: Iterable[Layer]) -> Iterator[list[Layer]]:
    """Groups for :func:`relevance_of_layers` of layers that come while their blocks run, one or a few at a time."""
    group: list[Layer] = []
    held = 0
    for layer in layers:
        group.append(layer)
        held += sum(tensor.nbytes for tensor in layer.tensors())
        del layer
        if held >= WAITING_BYTES:
            yield group
            group, held = [], 0
    if group:
        yield group


@torch.no_grad()
def _relevance_of_layer(layer: Layer, seeds: Tensor, *, weights: Tensor, centered: bool) -> Tensor:
    """E_l for seeds (targets, batch, width): (targets, batch, tokens)."""
    gradients = layer.gradients(seeds, weights)
    return torch.cat([gradient_relevance(layer.call, gradient, centered=centered) for gradient in gradients])


def _seeds_of_layers(head: Block, pooled: Sequence[Tensor], targets: Targets, score: Score) -> Iterator[Tensor]:
    """u of each layer, (targets, batch, width), from their pooled tokens: of many at once where targets are few."""
    size = max(1, SEEDS // len(targets))
    for first in range(0, len(pooled), size):
        rows = torch.stack(tuple(pooled[first : first + size]))
        together = seeds_of(head, rows.flatten(0, 1), targets.repeated(len(rows)), score)
        yield from together.unflatten(1, rows.shape[:2]).unbind(1)


def seeds_of(head: Block, pooled: Tensor, targets: Targets, score: Score) -> Tensor:
    """u = ∂s/∂z for every target: (targets, batch, width), from pooled tokens (batch, width).

    Args:
        head: one pooled vector per row to an output per row.
    """
    batch = len(pooled)
    rows = pooled.detach().expand(len(targets), -1, -1).flatten(0, 1).contiguous().requires_grad_()
    with torch.enable_grad():
        scores = targets.paired_scores(head(rows), score)
    (seeds,) = torch.autograd.grad(scores.sum(), rows)
    return seeds.view(-1, batch, seeds.shape[-1])
