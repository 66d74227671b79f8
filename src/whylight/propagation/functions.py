"""Which rule each torch function has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.arguments import AttentionArguments
from whylight.attention.call import at_least_float32
from whylight.attention.multihead import multi_head_attention
from whylight.propagation.attention import attention_relevance
from whylight.propagation.pictures import picture_convolution
from whylight.propagation.rules import divide

if TYPE_CHECKING:
    from whylight.propagation.mode import Propagation

Function = Callable[..., Any]


def unchanged(mode: Propagation, func: Function, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Norms, activations, softmax: relevance passes as it is."""
    return mode.apply(lambda x: func(x, *args, **kwargs), lambda relevance, output, x: (relevance,), x)


def linear(mode: Propagation, func: Function, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if mode.carries(weight):
        raise mode.refuse(func, "with a weight that was computed from the input has no rule")
    return weighted(mode, x, weight.detach(), None if bias is None else bias.detach())


def weighted(mode: Propagation, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x weightᵀ + bias with a constant weight."""
    by_rule, flow = mode.rules.linear, mode.flow

    def back(relevance: Tensor, output: Tensor, x: Tensor) -> Tensor:
        exact = at_least_float32(output), at_least_float32(x), at_least_float32(weight)
        return by_rule(relevance, *exact, None if bias is None else at_least_float32(bias))

    def rule(relevance: Tensor, output: Tensor, x: Tensor) -> tuple[Tensor]:
        if flow.targets > 1 or weight.dim() > 2:
            return (back(relevance, output, x),)
        return (rows_with_relevance(back, relevance, output, x),)

    return mode.apply(lambda x: F.linear(x, weight, bias) if weight.dim() == 2 else x @ weight.mT, rule, x)


def rows_with_relevance(back: Function, relevance: Tensor, output: Tensor, x: Tensor) -> Tensor:
    """A linear rule for those rows only that relevance comes to: the others of a last block have none."""
    rows = torch.linalg.vector_norm(relevance.flatten(0, -2), torch.inf, dim=-1) > 0
    if 2 * int(rows.sum()) > len(rows):
        return back(relevance, output, x)  # type: ignore[no-any-return]
    result = torch.zeros_like(x, dtype=relevance.dtype)
    result.flatten(0, -2)[rows] = back(*(part.flatten(0, -2)[rows] for part in (relevance, output, x)))
    return result


def matmul(mode: Propagation, func: Function, u: Tensor, v: Tensor) -> Tensor:
    if mode.carries(u) and mode.carries(v):
        return proportional(mode, func, u, v)
    if mode.carries(u):
        return weighted(mode, u, v.detach().mT, None)
    return weighted(mode, v.mT, u.detach(), None).mT


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
    """Elementwise product or quotient: a constant factor changes nothing, two operands (a gate) get half each."""
    carrying = mode.carries(u), mode.carries(v)
    if func in DIVISIONS and carrying[1]:
        raise mode.refuse(func, "by a tensor that carries relevance has no rule")
    if func is torch.Tensor.mul_:
        mode.mark_changed(u)
    compute = torch.div if func in DIVISIONS else torch.mul

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


def attention(mode: Propagation, func: Function, *args: Any, **kwargs: Any) -> Tensor:
    given = AttentionArguments(*args, **kwargs)
    if given.dropout_p or mode.carries(given.attn_mask) or not mode.carries(given.value):
        raise mode.refuse(func, "with dropout, a mask computed from the input or constant values has no rule")
    given = given.ungrouped()
    of_call = replace(given, query=given.query.detach(), key=given.key.detach(), value=given.value.detach())
    carrying, flow = (mode.carries(given.query), mode.carries(given.key)), mode.flow
    add_mask = mode.rules.add if mode.masked else None

    def compute(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return replace(of_call, query=query, key=key, value=value).attend()

    def rule(relevance: Tensor, output: Tensor, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, ...]:
        operands = replace(of_call, query=query.detach(), key=key.detach(), value=value.detach())
        call = operands.recorded(output.detach())
        return attention_relevance(relevance, call, *carrying, copies=flow.targets, add=add_mask)

    output = mode.apply(compute, rule, given.query, given.key, given.value)
    mode.calls.append(given.recorded(output))
    return output


def multi_head(mode: Propagation, func: Function, *args: Any, **kwargs: Any) -> Any:
    with mode:
        return multi_head_attention(F.scaled_dot_product_attention, *args, **kwargs)


def convolution(
    mode: Propagation,
    func: Function,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The patch embedding of a picture."""
    if x.dim() != 4 or x.shape[1] != 3 or groups != 1 or padding == "same":
        raise mode.refuse(func, "has a rule for the patches of a picture only")
    weight, bias = weight.detach(), None if bias is None else bias.detach()
    geometry = {"stride": stride, "padding": 0 if padding == "valid" else padding, "dilation": dilation}

    def rule(relevance: Tensor, output: Tensor, x: Tensor) -> tuple[Tensor]:
        return (picture_convolution(relevance, at_least_float32(x.detach()), at_least_float32(weight), **geometry),)

    return mode.apply(lambda x: F.conv2d(x, weight, bias, **geometry), rule, x)


def refused(mode: Propagation, func: Function, *args: Any, **kwargs: Any) -> Any:
    raise mode.refuse(func)


def named(*names: str) -> list[Function]:
    """All functions of these names in torch, torch.Tensor and torch.nn.functional."""
    found = (getattr(place, name, None) for name in names for place in (torch, torch.Tensor, F))
    return [function for function in found if function is not None]


DIVISIONS = set(named("div", "divide", "true_divide"))

PRODUCTS = {*named("mul", "mul_", "multiply"), *DIVISIONS}

HANDLERS: dict[Function, Function] = {
    **dict.fromkeys(named("layer_norm", "rms_norm", "normalize"), unchanged),
    **dict.fromkeys(named("gelu", "silu", "tanh", "sigmoid", "relu", "erf", "softmax", "neg"), unchanged),
    **dict.fromkeys(named("linear"), linear),
    **dict.fromkeys(named("matmul", "bmm", "mm"), matmul),
    **dict.fromkeys(named("mean", "sum"), proportional),
    **dict.fromkeys(PRODUCTS, multiply),
    **dict.fromkeys(named("add", "add_"), add),
    F.scaled_dot_product_attention: attention,
    F.multi_head_attention_forward: multi_head,
    F.conv2d: convolution,
    torch.Tensor.__setitem__: refused,
}

PASSING = {
    # Shapes and types: relevance goes where the numbers go.
    *named("reshape", "view", "view_as", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze", "expand"),
    *named("permute", "transpose", "swapaxes", "movedim", "contiguous", "clone", "expand_as", "repeat_interleave"),
    *named("chunk", "split", "tensor_split", "unbind", "cat", "concat", "stack", "narrow", "select", "index_select"),
    *named("to", "type_as", "float", "double", "half", "bfloat16", "gather", "roll", "flip"),
    torch.Tensor.__getitem__,
    torch.Tensor.T.__get__,  # type: ignore[attr-defined]
    torch.Tensor.mT.__get__,  # type: ignore[attr-defined]
    # The largest entry takes all; an interpolation's weights sum to one; dropout is no change in a model at work.
    *named("amax", "interpolate", "pad", "dropout", "masked_fill", "pixel_unshuffle"),
}

STATISTICS = set(named("pow", "square", "var", "std", "rsqrt", "sqrt", "norm"))
"""Statistics that norms written out by hand divide by: they get no relevance. Whatever else reads them is refused."""
