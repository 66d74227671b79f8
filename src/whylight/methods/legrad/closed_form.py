"""LeGrad without autograd, for pre-norm blocks under mean pooling of tokens.

With mean pooling every token n gets the same seed u = ∂s/∂z, times its weight ω_n in the mean. For a block
x₁ = x + λ₁ W_O O, x₂ = x₁ + λ₂ W₂ act(h), h = W₁ norm(x₁) + b₁, the gradient at the attention output is then

    a   = (λ₂ u) W₂                                      one vector per prompt, shared by all tokens
    G_n = ω_n λ₁ (u + norm'(x₁)ᵀ ((act'(h_n) * a) W₁)) W_O

Prompts go through one after the other here: two matrix products each, nothing prepared. Where many come,
:mod:`whylight.methods.legrad.prepared` turns the two into one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whylight.attention import AttentionCall, gradient_relevance, record_attention
from whylight.methods.legrad.matrix_product import matrix_product
from whylight.models.pre_norm import Activation, PreNormBlock
from whylight.models.targets import Score, Targets
from whylight.models.view import Block, Pass, View
from whylight.passes.layers import the_call

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


def recorded_layers(
    view: View, run: Pass, anatomy: Sequence[PreNormBlock], *, first: int, weights: Tensor, output: bool = False
) -> Iterator[RecordedLayer]:
    """Drive the blocks and yield, layer by layer, what all prompts share.

    Args:
        anatomy: the parts of every block.
        first: layer to start from.
        weights: ω.
        output: the last block's tokens are wanted too. Otherwise only their mean is, and is taken before W₂.
    """
    tokens, last = run.tokens, len(run.blocks) - 1
    for layer, (block, parts) in enumerate(zip(run.blocks, anatomy, strict=True)):
        with torch.no_grad():
            if layer < first:
                tokens = block(tokens)
                continue
            whole = nullcontext() if output or layer < last else _MeanBeforeLinear(parts.second.weight, weights)
            with record_attention() as calls, _capture(parts) as seen, whole:
                tokens = block(tokens)
            pooled = torch.einsum("n,bnw->bw", weights.to(tokens.dtype), tokens)
        yield RecordedLayer(layer, parts, the_call(calls, view, layer), pooled, seen.before_norm, seen.hidden)


def relevance_of_layers(
    groups: Iterable[list[Layer]], head: Block, targets: Targets, *, score: Score, weights: Tensor, centered: bool
) -> Tensor:
    """The sum over layers of E_l, (targets, batch, tokens), as :func:`~whylight.methods.legrad.legrad.legrad` says.

    Args:
        groups: layers whose seeds are taken together. Each is let go when it is done, and leaves its group empty.
    """
    total: Tensor | None = None
    for group in groups:
        seeds = _seeds_of_layers(head, [layer.pooled for layer in group], targets, score)
        while group:
            part = _relevance_of_layer(group.pop(0), next(seeds), weights=weights, centered=centered)
            total = part if total is None else total.add_(part)
    assert total is not None
    return total


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
        scores = targets.one_by_one(batch).scores(head(rows), score)
    (seeds,) = torch.autograd.grad(scores.sum(), rows)
    return seeds.view(-1, batch, seeds.shape[-1])


@dataclass
class _Seen:
    """What one block computed on its way: the tokens before the MLP's norm, and the MLP's hidden values."""

    before_norm: Tensor = field(init=False)
    hidden: Tensor = field(init=False)


@contextmanager
def _capture(parts: PreNormBlock) -> Iterator[_Seen]:
    seen = _Seen()
    with _Capture(parts, seen):
        yield seen


class _Capture(TorchFunctionMode):
    def __init__(self, parts: PreNormBlock, seen: _Seen) -> None:
        super().__init__()
        self.norm_weight = parts.norm.weight
        self.first_weight = parts.first.weight
        self.seen = seen

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.layer_norm and any(argument is self.norm_weight for argument in (*args, *(kwargs or {}).values())):
            self.seen.before_norm = args[0]
        elif func is F.linear and any(argument is self.first_weight for argument in args):
            self.seen.hidden = result
        return result


class _MeanBeforeLinear(TorchFunctionMode):
    """One linear layer gives every token the mean over tokens: a mean that follows comes out the same, for less."""

    def __init__(self, weight: Tensor, weights: Tensor) -> None:
        super().__init__()
        self.weight, self.weights = weight, weights

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.linear and any(argument is self.weight for argument in args):
            values: Tensor = args[0]
            mean = torch.einsum("n,bnk->bk", self.weights.to(values.dtype), values)[:, None]
            return func(mean, *args[1:], **(kwargs or {})).expand(-1, values.shape[1], -1)
        return func(*args, **(kwargs or {}))


@dataclass(frozen=True)
class RecordedLayer:
    """A :class:`Layer` as its block computed it: prompts one after the other.

    Attributes:
        index: which layer.
        parts: of its block.
        before_norm: x₁, (batch, tokens, width).
        hidden: h, (batch, tokens, hidden).
    """

    index: int
    parts: PreNormBlock
    call: AttentionCall
    pooled: Tensor
    before_norm: Tensor
    hidden: Tensor

    def gradients(self, seeds: Tensor, weights: Tensor) -> Iterator[Tensor]:
        """See :meth:`Layer.gradients`; one target at a time."""
        parts, x, norm = self.parts, self.before_norm, self.parts.norm
        shape = list(norm.normalized_shape)
        _, mean, inverse_deviation = torch.native_layer_norm(x, shape, norm.weight, norm.bias, norm.eps)
        for seed, a in zip(seeds, matrix_product(times(seeds, parts.mlp_scale), parts.second.weight), strict=True):
            behind_slopes = times_derivative_(parts.activation, a[:, None].expand_as(self.hidden).clone(), self.hidden)
            at_norm = matrix_product(behind_slopes, parts.first.weight)
            behind: Tensor = torch.ops.aten.native_layer_norm_backward(
                at_norm, x, shape, mean, inverse_deviation, norm.weight, norm.bias, [True, False, False]
            )[0]
            behind += seed[:, None]
            behind *= weights[:, None].to(x.dtype)
            gradient = matrix_product(times(behind, parts.attention_scale), parts.attention_out.weight)
            yield by_head(gradient, self.call)[None]

    def tensors(self) -> Iterator[Tensor]:
        """See :meth:`Layer.tensors`."""
        yield from (*self.call.tensors(), self.pooled, self.before_norm, self.hidden)


def by_head(gradient: Tensor, call: AttentionCall) -> Tensor:
    """(..., tokens, width) as (..., heads, tokens, head width)."""
    heads: Tensor = gradient.unflatten(-1, (call.heads, -1))
    return heads.transpose(-2, -3)


def times_derivative_(activation: Activation, factor: Tensor, hidden: Tensor) -> Tensor:
    """factor * act'(hidden), element by element, written over the factor."""
    if activation == "quick_gelu":
        gate = torch.sigmoid(1.702 * hidden)
        return factor.mul_(torch.rsub(gate, 1).mul_(hidden).mul_(1.702).add_(1).mul_(gate))
    form = "tanh" if activation == "gelu_tanh" else "none"
    torch.ops.aten.gelu_backward.grad_input(factor, hidden, approximate=form, grad_input=factor)
    return factor


def times(x: Tensor, scale: Tensor | None) -> Tensor:
    """x scaled, where there is a scale."""
    return x if scale is None else x * scale
