"""LeGrad without autograd, for pre-norm blocks under mean pooling of tokens.

With mean pooling every token n gets the same seed u = ∂s/∂z, times its weight ω_n in the mean. For a block
x₁ = x + λ₁ W_O O, x₂ = x₁ + λ₂ W₂ act(h), h = W₁ norm(x₁) + b₁, the gradient at the attention output is then

    a   = (λ₂ u) W₂                                      one vector per prompt, shared by all tokens
    G_n = ω_n λ₁ (u + norm'(x₁)ᵀ ((act'(h_n) * a) W₁)) W_O

Prompts go through one after the other here: two matrix products each, nothing prepared. Where many come,
:mod:`whylight.methods.legrad.prepared` turns the two into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.methods.legrad.matrix_product import matrix_product
from whylight.models.pre_norm import Activation, PreNormBlock


@dataclass(frozen=True)
class RecordedLayer:
    """A :class:`~whylight.methods.legrad.layer_sum.Layer` as its block computed it: prompts one after the other.

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
        """See :meth:`whylight.methods.legrad.layer_sum.Layer.gradients`; one target at a time."""
        parts, x, norm = self.parts, self.before_norm, self.parts.norm
        shape, seeds = list(norm.normalized_shape), seeds.to(x.dtype)
        with by_own_precision(x):
            _, mean, inverse_deviation = torch.native_layer_norm(x, shape, norm.weight, norm.bias, norm.eps)
            behind_mlp = matrix_product(times(seeds, parts.mlp_scale), parts.second.weight)
        for seed, a in zip(seeds, behind_mlp, strict=True):
            with by_own_precision(x):
                slopes = times_derivative_(parts.activation, a[:, None].expand_as(self.hidden).clone(), self.hidden)
                at_norm = matrix_product(slopes, parts.first.weight)
                behind: Tensor = torch.ops.aten.native_layer_norm_backward(
                    at_norm, x, shape, mean, inverse_deviation, norm.weight, norm.bias, [True, False, False]
                )[0]
                behind += seed[:, None]
                behind *= weights[:, None].to(x.dtype)
                gradient = matrix_product(times(behind, parts.attention_scale), parts.attention_out.weight)
            yield by_head(gradient, self.call)[None]

    def kept(self) -> RecordedLayer:
        """The same layer with no more than later targets need."""
        return replace(self, call=self.call.values_only())

    def tensors(self) -> Iterator[Tensor]:
        """See :meth:`whylight.methods.legrad.layer_sum.Layer.tensors`."""
        yield from (*self.call.tensors(), self.pooled, self.before_norm, self.hidden)


def by_own_precision(tensor: Tensor) -> torch.autocast:
    """Autocast is for the model's own way: what follows from its numbers is computed in the weights' precision."""
    return torch.autocast(tensor.device.type, enabled=False)


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
