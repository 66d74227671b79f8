"""LibraGrad: gradients of a model whose weighing factors are held constant.

Mehri et al., "LibraGrad: Balancing Gradient Flow for Universally Better Vision Transformer Attributions",
arXiv 2411.16760, CVPR 2025.

Forward values stay what they are; for the derivative these are constants: attention weights (queries and keys), the
denominators of layer norm, RMS norm and L2 norm (means are not), and the gates of GELU, SiLU and QuickGELU. Where two
branches are multiplied (SwiGLU), each gets half. Then the network is affine around its input, and
logit = Σ input * gradient + constant.

Any method that asks for gradients can take it: ``relevance(..., libra=True)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.attention import ReplaceAttention
from whylight.attention.arguments import AttentionArguments
from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function, FunctionMode

_ACTIVE: ContextVar[bool] = ContextVar("libra", default=False)


@contextmanager
def libra_gradients() -> Iterator[None]:
    """Inside, every derivative follows LibraGrad's rules; models, values and other threads are untouched.

    Function modes entered inside still see everything first.
    """
    token = _ACTIVE.set(True)
    try:
        with _ConstantFactors(), ReplaceAttention(_attention):
            yield
    finally:
        _ACTIVE.reset(token)


def libra_is_active() -> bool:
    """Whether gradients are asked for inside :func:`libra_gradients`: closed forms of plain gradients do not hold."""
    return _ACTIVE.get()


def _attention(*args: Any, **kwargs: Any) -> Tensor:
    given = AttentionArguments(*args, **kwargs)
    mask = None if given.attn_mask is None else given.attn_mask.detach()  # DeBERTa's scores of positions
    return replace(given, query=given.query.detach(), key=given.key.detach(), attn_mask=mask).attend()


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    centered = at_least_float32(input)
    centered = centered - centered.mean(axes, keepdim=True)
    normal = centered / (centered.detach().square().mean(axes, keepdim=True) + eps).sqrt()
    return _affine(normal, weight, bias).to(input.dtype)


def _rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    wide = at_least_float32(input)
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    normal = wide / (wide.detach().square().mean(axes, keepdim=True) + eps).sqrt()
    return _affine(normal, weight, None).to(input.dtype)


def _affine(normal: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    normal = normal if weight is None else normal * weight
    return normal if bias is None else normal + bias


def _l2_normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(input.detach(), p, dim, keepdim=True)
    return input / length.clamp_min(eps)


def _gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    u = input.detach()
    if approximate == "tanh":
        return input * (0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3))))
    return input * (0.5 * (1 + torch.erf(u / math.sqrt(2))))


def _silu(input: Tensor, inplace: bool = False) -> Tensor:
    return input * torch.sigmoid(input.detach())


def _product(func: Callable[..., Tensor], a: Any, b: Any) -> Tensor:
    """Half the gradient to each branch of a product of two that both depend on the input.

    Layer scales and other parameters are no branches: they have not the shape of what they scale.
    """
    branches = isinstance(a, Tensor) and isinstance(b, Tensor) and a.shape == b.shape and a is not b
    if branches and a.requires_grad and b.requires_grad and not isinstance(b, nn.Parameter):
        return (func(a, b.detach()) + func(a.detach(), b)) / 2
    return func(a, b)


_RULES: dict[Any, Callable[..., Tensor]] = {
    F.layer_norm: _layer_norm,
    F.normalize: _l2_normalize,
    F.gelu: _gelu,
    F.silu: _silu,
}
if hasattr(F, "rms_norm"):
    _RULES[F.rms_norm] = _rms_norm

_PRODUCTS = {torch.mul, Tensor.mul}

_GATES = {torch.sigmoid, Tensor.sigmoid}
"""QuickGELU's, written out by every library that has it."""

_BY_HAND = {torch.rsqrt, Tensor.rsqrt, F.softmax, torch.softmax, Tensor.softmax}
"""Denominators of norms, and attention weights, of models that write them out."""


class _ConstantFactors(FunctionMode):
    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not torch.is_grad_enabled():
            return NotImplemented
        if func in _RULES:
            return _RULES[func](*args, **kwargs)
        if func in _PRODUCTS and len(args) == 2 and not kwargs:
            return _product(func, *args)
        if func in _GATES or func in _BY_HAND:
            return func(*args, **kwargs).detach()
        return NotImplemented
