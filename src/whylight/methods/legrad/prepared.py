"""LeGrad for many prompts: the two matrix products that each prompt takes in the closed form, as one.

What follows the MLP's slopes in :mod:`whylight.methods.legrad.closed_form`, W₁, layer norm's backward and W_O, is
linear. Layer norm's backward takes the mean out, which goes into the prepared matrix, and the component along the
normalised tokens x̂, which stays a correction of rank one:

    G_n = ω_n (λ₁ u) W_O + (g_n M - c_n (λ₁ x̂_n) W_O) ω_n / σ_n
    g_n = act'(h_n) * a,    c_n = g_n · (h_n - W₁ β - b₁) / width
    M   = (W₁ diag(γ) - its mean over the width) diag(λ₁) W_O

So each further prompt costs one matrix product with M, prepared once per model.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from whylight.methods.legrad.closed_form import RecordedLayer, by_head, by_own_precision, times, times_derivative_
from whylight.methods.legrad.matrix_product import matrix_product, packed
from whylight.models.pre_norm import PreNormBlock
from whylight.models.view import View
from whylight.models.weights import Stamp, stamp

CHUNK_BYTES = 16 * 2**20
"""How much act'(h) * a may take: prompts go through in chunks of this size."""


class Prepared:
    """Products of one model's weights, made when they pay and kept as long as the weights stay what they are.

    M takes as much memory as W₁, and costs one product of three weight matrices: it is made once the tokens and prompts
    that have come through outnumber the hidden units.
    """

    def __init__(self, anatomy: Sequence[PreNormBlock], of: Stamp) -> None:
        self.anatomy = anatomy
        self.stamp = of
        self.passed = 0
        self.products: dict[int, Tensor] = {}
        self.offsets: dict[int, Tensor] = {}

    def pay(self, tokens: int, prompts: int) -> bool:
        """Whether the products pay for so many tokens and prompts after all that came through before."""
        if prompts < 2:
            return False  # what is prepared takes one product per picture, and saves one per prompt
        before, self.passed = self.passed, self.passed + tokens * prompts
        return before >= self.anatomy[0].first.weight.shape[0]

    def product(self, layer: int) -> Tensor:
        """M of one layer, (hidden, width), packed."""
        if layer not in self.products:
            parts = self.anatomy[layer]
            first = parts.first.weight * parts.norm.weight
            first -= first.mean(1, keepdim=True)
            product = matrix_product(times(first, parts.attention_scale), parts.attention_out.weight)
            self.products[layer] = packed(product)
        return self.products[layer]

    def offset(self, layer: int) -> Tensor:
        """W₁ β + b₁, the part of the MLP's hidden values that does not come from x̂: (hidden,)."""
        if layer not in self.offsets:
            parts = self.anatomy[layer]
            offset = parts.first.weight @ parts.norm.bias
            self.offsets[layer] = offset if parts.first.bias is None else offset + parts.first.bias
        return self.offsets[layer]


_PREPARED: weakref.WeakKeyDictionary[nn.Module, Prepared] = weakref.WeakKeyDictionary()


def prepared_for(view: View, anatomy: Sequence[PreNormBlock]) -> Prepared:
    """What is prepared for the view's model; begun anew where its weights were replaced, moved or written to."""
    now = stamp(_weights(anatomy))
    prepared = _PREPARED.get(view.module)
    if prepared is None or prepared.stamp != now:
        prepared = _PREPARED[view.module] = Prepared(anatomy, now)
    return prepared


def _weights(anatomy: Sequence[PreNormBlock]) -> Iterator[Tensor]:
    for parts in anatomy:
        for tensor in (
            parts.attention_out.weight,
            parts.norm.weight,
            parts.norm.bias,
            parts.first.weight,
            parts.first.bias,
            parts.attention_scale,
        ):
            if tensor is not None:
                yield tensor


def prepared_layers(
    layers: Iterable[RecordedLayer], prepared: Prepared, weights: Tensor, *, keep: bool = False
) -> Iterator[PreparedLayer]:
    """The layers, each made ready for many prompts: at once, or (``keep``) for those that come later."""
    for layer in layers:
        with torch.no_grad(), by_own_precision(layer.before_norm):
            ready = PreparedLayer(layer, prepared, weights, keep=keep)
        del layer
        yield ready


class PreparedLayer:
    """A :class:`~whylight.methods.legrad.layer_sum.Layer` for many prompts.

    Attributes:
        slope: act'(h_n) ω_n / σ_n, (batch, tokens, hidden).
        along_norm: what gives c_n ω_n / σ_n, (batch, tokens, hidden) times a. A layer that is kept takes W₂ into it
            once, a quarter of the size: (batch, tokens, width) times λ₂ u.
        normal_out: (λ₁ x̂) W_O, (batch, tokens, width).
    """

    def __init__(self, layer: RecordedLayer, prepared: Prepared, weights: Tensor, *, keep: bool) -> None:
        self.parts, self.call, self.pooled, self.keep = layer.parts, layer.call, layer.pooled, keep
        x, norm, hidden = layer.before_norm, layer.parts.norm, layer.hidden
        normal, _, inverse_deviation = torch.native_layer_norm(x, list(norm.normalized_shape), None, None, norm.eps)
        self.normal_out = matrix_product(times(normal, self.parts.attention_scale), self.parts.attention_out.weight)
        self.product = prepared.product(layer.index)
        self.slope = times_derivative_(self.parts.activation, torch.ones_like(hidden), hidden)
        self.slope *= inverse_deviation.to(x.dtype) * weights[:, None].to(x.dtype)
        self.along_norm = (hidden - prepared.offset(layer.index)).mul_(self.slope) / x.shape[-1]
        if keep:
            self.call = self.call.values_only()
            self.along_norm = matrix_product(self.along_norm, self.parts.second.weight.T)

    def gradients(self, seeds: Tensor, weights: Tensor) -> Iterator[Tensor]:
        """See :meth:`whylight.methods.legrad.layer_sum.Layer.gradients`."""
        seeds = seeds.to(self.slope.dtype)
        weights = weights[:, None].to(seeds.dtype)
        with by_own_precision(seeds):
            scaled = times(seeds, self.parts.mlp_scale)
            a = matrix_product(scaled, self.parts.second.weight)
            along = (self.along_norm @ (scaled if self.keep else a).permute(1, 2, 0)).permute(2, 0, 1)[..., None]
            residual = matrix_product(times(seeds, self.parts.attention_scale), self.parts.attention_out.weight)
        size = max(1, CHUNK_BYTES // self.slope.nbytes)
        for first in range(0, len(seeds), size):
            some = slice(first, first + size)
            with by_own_precision(seeds):
                gradient = matrix_product(self.slope * a[some, :, None], self.product)
                gradient.addcmul_(along[some], self.normal_out, value=-1).addcmul_(residual[some, :, None], weights)
            yield by_head(gradient, self.call)

    def tensors(self) -> Iterator[Tensor]:
        """What it holds of its input."""
        yield from (*self.call.tensors(), self.pooled, self.slope, self.along_norm, self.normal_out)
