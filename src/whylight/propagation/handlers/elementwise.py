"""Norms and activations, means and sums, elementwise products and sums."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function
from whylight.propagation.mode import Propagation
from whylight.propagation.rules import divide


def unchanged(mode: Propagation, func: Function, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Norms, activations, softmax: relevance passes as it is."""
    return mode.apply(lambda x: func(x, *args, **kwargs), lambda relevance, output, x: (relevance,), x)


def proportional(mode: Propagation, func: Function, *operands: Any, **kwargs: Any) -> Tensor:
    """Means, sums and matrix products: operand · gradient(R/Z), in equal parts to all operands that carry relevance."""

    def rule(relevance: Tensor, output: Tensor, *operands: Any) -> list[Tensor | None]:
        carrying = [x for x in operands if isinstance(x, Tensor) and x.requires_grad]
        s = divide(relevance, at_least_float32(output.detach())).to(output.dtype)
        gradients = iter(torch.autograd.grad(output, carrying, s, retain_graph=True))
        return [
            x.detach() * next(gradients) / len(carrying) if isinstance(x, Tensor) and x.requires_grad else None
            for x in operands
        ]

    return mode.apply(lambda *operands: func(*operands, **kwargs), rule, *operands)


def multiply(mode: Propagation, func: Function, u: Any, v: Any) -> Tensor:
    """A product: a constant factor changes nothing, two operands (a gate) get half each."""
    if func is torch.Tensor.mul_:
        mode.mark_changed(u)
    return _shared(mode, torch.mul, u, v)


def divide_by_constant(mode: Propagation, func: Function, u: Any, v: Any) -> Tensor:
    """A quotient whose divisor carries nothing, which changes nothing."""
    if mode.carries(v):
        raise mode.refuse(func, "by a tensor that carries relevance has no rule")
    return _shared(mode, torch.div, u, v)


def _shared(mode: Propagation, compute: Function, u: Any, v: Any) -> Tensor:
    """Relevance in equal parts to all operands that carry some."""
    carrying = mode.carries(u), mode.carries(v)

    def rule(relevance: Tensor, output: Tensor, *operands: Any) -> list[Tensor | None]:
        share = relevance / sum(carrying)
        return [share.sum_to_size(x.shape) if carries else None for x, carries in zip(operands, carrying, strict=True)]

    return mode.apply(compute, rule, u, v)


def add(mode: Propagation, func: Function, u: Any, v: Any, *, alpha: float = 1) -> Tensor:
    """Skip connections and positions. A number or a vector over the last dimension is a bias, and gets nothing."""
    if alpha != 1:
        raise mode.refuse(func, "with a factor has no rule")
    if func is torch.Tensor.add_:
        mode.mark_changed(u)
    split = mode.rules.add
    if is_bias(u) or is_bias(v):
        return unchanged(mode, torch.add, *((v, u) if is_bias(u) else (u, v)))

    def rule(relevance: Tensor, output: Tensor, u: Tensor, v: Tensor) -> list[Tensor | None]:
        shares = split(relevance, finite(u), finite(v))
        return [
            share.sum_to_size(x.shape) if x.requires_grad else None for x, share in zip((u, v), shares, strict=True)
        ]

    return mode.apply(torch.add, rule, u, v)


def is_bias(value: Any) -> bool:
    if not isinstance(value, Tensor):
        return True
    return value.grad_fn is None and value.numel() == (value.shape[-1] if value.dim() else 1)


def finite(x: Tensor) -> Tensor:
    """Masks that forbid with minus infinity, as the smallest number."""
    return at_least_float32(x.detach()).nan_to_num(neginf=torch.finfo(x.dtype).min)


def refused(mode: Propagation, func: Function, *args: Any, **kwargs: Any) -> Any:
    raise mode.refuse(func)
