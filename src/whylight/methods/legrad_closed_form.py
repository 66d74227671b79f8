"""LeGrad for many prompts without autograd, for pre-norm blocks under mean pooling of tokens.

With mean pooling every token n gets the same seed u = ∂s/∂z, times its weight ω_n in the mean. For a block
x₁ = x + λ₁ W_O O, x₂ = x₁ + λ₂ W₂ act(h), h = W₁ norm(x₁) + b₁, the gradient at the attention output is then

    a   = (λ₂ u) W₂                                            one vector per prompt, shared by all tokens
    g_n = act'(h_n) * a
    G_n = ω_n [ (λ₁ u) W_O + (g_n M - m_n 1ᵀ(λ₁ W_O) - c_n (λ₁ x̂_n) W_O) / σ_n ],     M = W₁ diag(γ λ₁) W_O

where layer norm's backward adds the two rank-one corrections m_n = mean(γ * g_n W₁) and c_n = mean(x̂_n γ * g_n W₁),
both cheap products with a. So each further prompt costs one matrix product with M, prepared once per model.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from whylight.attention import AttentionCall, gradient_relevance, record_attention
from whylight.methods.layers import the_call
from whylight.models.pre_norm import Activation, PreNormBlock
from whylight.models.targets import Score, Targets
from whylight.models.view import Pass, View

CHUNK_BYTES = 64 * 2**20
"""How much act'(h) * a may take: prompts go through in chunks of this size."""


def recorded_layers(
    view: View, run: Pass, anatomy: Sequence[PreNormBlock], *, first: int, weights: Tensor
) -> Iterator[RecordedLayer]:
    """Drive the blocks and yield, layer by layer, what all prompts share.

    Args:
        anatomy: the parts of every block.
        first: layer to start from.
        weights: (tokens,) share of each token in the pooled vector; sums to one.
    """
    prepared = _prepared_for(view.module, anatomy)
    tokens = run.tokens
    for layer, (block, parts) in enumerate(zip(run.blocks, anatomy, strict=True)):
        with torch.no_grad():
            if layer < first:
                tokens = block(tokens)
                continue
            with record_attention() as calls, _capture(parts) as seen:
                tokens = block(tokens)
            pooled = torch.einsum("n,bnw->bw", weights.to(tokens.dtype), tokens)
            recorded = RecordedLayer(parts, seen, the_call(calls, view, layer), prepared, layer, pooled)
        yield recorded


def relevance_of_layers(
    layers: Iterable[RecordedLayer], run: Pass, targets: Targets, *, score: Score, weights: Tensor, centred: bool
) -> Tensor:
    """The sum over layers of E_l, (batch, targets, patches), as :func:`whylight.methods.legrad.legrad` defines it."""
    total: Tensor | None = None
    for layer in layers:
        seeds = _seeds(run, targets, layer.pooled, score)
        with torch.no_grad():
            size = max(1, CHUNK_BYTES // (layer.slope.numel() * layer.slope.element_size()))
            chunks = (layer.gradient(chunk, weights) for chunk in seeds.split(size))
            part = torch.cat([gradient_relevance(layer.call, gradient, centred=centred) for gradient in chunks])
        total = part if total is None else total.add_(part)
    assert total is not None
    return total.transpose(0, 1)[..., run.prefix :]


def _seeds(run: Pass, targets: Targets, pooled: Tensor, score: Score) -> Tensor:
    """u = ∂s/∂z for every target: (targets, batch, width)."""
    pooled = pooled.detach().requires_grad_()
    scores = targets.scores(run.head(pooled), score).sum(0)
    each = torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    return torch.autograd.grad(scores, pooled, each, is_grads_batched=True)[0]


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


class RecordedLayer:
    """What one layer of one input shares among all prompts.

    Attributes:
        call: its attention.
        pooled: z, the mean of its output tokens, (batch, width).
        slope: act'(h), (batch, tokens, hidden).
    """

    def __init__(
        self, parts: PreNormBlock, seen: _Seen, call: AttentionCall, prepared: _Prepared, layer: int, pooled: Tensor
    ) -> None:
        self.parts, self.prepared, self.layer = parts, prepared, layer
        self.call, self.pooled = call, pooled
        x = seen.before_norm
        normal, _, inverse = torch.native_layer_norm(x, list(parts.norm.normalized_shape), None, None, parts.norm.eps)
        self.inverse_deviation = inverse.to(x.dtype)
        self.normal_out = _times(normal, parts.attention_scale) @ parts.attention_out.weight
        self.ones_out = _times(torch.ones_like(x[0, 0]), parts.attention_scale) @ parts.attention_out.weight
        self.slope = derivative(parts.activation, seen.hidden)
        self.slope_hidden = self.slope * seen.hidden

    def gradient(self, seeds: Tensor, weights: Tensor) -> Tensor:
        """G for seeds (targets, batch, width): (targets, batch, heads, tokens, head width)."""
        parts, width = self.parts, seeds.shape[-1]
        a = _times(seeds, parts.mlp_scale) @ parts.second.weight
        per_picture, count = a.permute(1, 2, 0), len(a)
        # Both corrections in one pass over act'(h); c_n's sum over W₁ γ x̂_n = h_n - offset is taken apart.
        of_mean, of_offset = (
            per_picture * row[:, None]
            for row in (self.prepared.norm_mean(self.layer), self.prepared.offset(self.layer))
        )
        both = (self.slope @ torch.cat([of_mean, of_offset], dim=-1)).permute(2, 0, 1)
        mean = both[:count]
        correlation = ((self.slope_hidden @ per_picture).permute(2, 0, 1) - both[count:]) / width
        gradient = self.prepared.behind(self.layer, self.slope * a[:, :, None])
        gradient -= mean[..., None] * self.ones_out
        gradient -= correlation[..., None] * self.normal_out
        gradient *= self.inverse_deviation
        gradient += (_times(seeds, parts.attention_scale) @ parts.attention_out.weight)[:, :, None]
        gradient *= weights[:, None].to(gradient.dtype)
        by_head: Tensor = gradient.unflatten(-1, (self.call.heads, -1))
        return by_head.transpose(2, 3)


def derivative(activation: Activation, hidden: Tensor) -> Tensor:
    """act'(hidden), element by element."""
    if activation == "quick_gelu":
        gate = torch.sigmoid(1.702 * hidden)
        return gate * (1 + 1.702 * hidden * (1 - gate))
    ones = torch.ones((), dtype=hidden.dtype, device=hidden.device).expand_as(hidden)
    form = "tanh" if activation == "gelu_tanh" else "none"
    slope: Tensor = torch.ops.aten.gelu_backward(ones, hidden, approximate=form)
    return slope


def _times(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale


class _Prepared:
    """Products of one model's weights, made when they pay and kept as long as the weights stay what they are.

    M saves W_O's share of every further prompt (about a fifth) and costs one product of three weight matrices: it is
    made once the tokens and prompts that have come through outnumber the hidden units.
    """

    def __init__(self, anatomy: Sequence[PreNormBlock]) -> None:
        self.anatomy = anatomy
        self.stamp = stamp(anatomy)
        self.passed = 0
        self.products: dict[int, Tensor] = {}
        self.means: dict[int, Tensor] = {}
        self.offsets: dict[int, Tensor] = {}

    def offset(self, layer: int) -> Tensor:
        """W₁ β + b₁, the part of the MLP's hidden values that does not come from x̂: (hidden,)."""
        if layer not in self.offsets:
            parts = self.anatomy[layer]
            offset = parts.first.weight @ parts.norm.bias
            self.offsets[layer] = offset if parts.first.bias is None else offset + parts.first.bias
        return self.offsets[layer]

    def norm_mean(self, layer: int) -> Tensor:
        """Mean over the width of diag(γ) W₁ᵀ: (hidden,)."""
        if layer not in self.means:
            parts = self.anatomy[layer]
            self.means[layer] = parts.first.weight @ parts.norm.weight / parts.norm.weight.numel()
        return self.means[layer]

    def behind(self, layer: int, g: Tensor) -> Tensor:
        """g M, for g (..., hidden)."""
        parts = self.anatomy[layer]
        if layer not in self.products and self.passed >= parts.first.weight.shape[0]:
            self.products[layer] = self._first(parts) @ parts.attention_out.weight
        if layer == len(self.anatomy) - 1:
            self.passed += g[..., 0].numel()
        if layer in self.products:
            return g @ self.products[layer]
        return (g @ self._first(parts)) @ parts.attention_out.weight

    @staticmethod
    def _first(parts: PreNormBlock) -> Tensor:
        return parts.first.weight * _times(parts.norm.weight, parts.attention_scale)


_PREPARED: weakref.WeakKeyDictionary[nn.Module, _Prepared] = weakref.WeakKeyDictionary()


def _prepared_for(module: nn.Module, anatomy: Sequence[PreNormBlock]) -> _Prepared:
    prepared = _PREPARED.get(module)
    if prepared is None or prepared.stamp != stamp(anatomy):
        prepared = _PREPARED[module] = _Prepared(anatomy)
    return prepared


def stamp(anatomy: Sequence[PreNormBlock]) -> tuple[tuple[int, int], ...]:
    """Changes whenever one of the weights is replaced, moved or written to."""
    tensors = [
        tensor
        for parts in anatomy
        for tensor in (
            parts.attention_out.weight,
            parts.norm.weight,
            parts.norm.bias,
            parts.first.weight,
            parts.first.bias,
            parts.attention_scale,
        )
        if tensor is not None
    ]
    return tuple((tensor.data_ptr(), tensor._version) for tensor in tensors)
