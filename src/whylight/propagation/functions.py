"""Which rule each torch function has."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from whylight.attention.function_mode import Function
from whylight.propagation.handlers.attention import attention, multi_head
from whylight.propagation.handlers.convolution import convolution
from whylight.propagation.handlers.elementwise import (
    add,
    divide_by_constant,
    multiply,
    proportional,
    refused,
    unchanged,
)
from whylight.propagation.handlers.linear import linear, matmul
from whylight.propagation.mode import FunctionTable, Propagation
from whylight.propagation.rules import Rules


def named(*names: str) -> list[Function]:
    """All functions of these names in torch, torch.Tensor and torch.nn.functional."""
    found = (getattr(place, name, None) for name in names for place in (torch, torch.Tensor, F))
    return [function for function in found if function is not None]


_PRODUCTS, _QUOTIENTS = named("mul", "mul_", "multiply"), named("div", "divide", "true_divide")

_HANDLERS: dict[Function, Function] = {
    **dict.fromkeys(named("layer_norm", "rms_norm", "normalize"), unchanged),
    **dict.fromkeys(named("gelu", "silu", "tanh", "sigmoid", "relu", "erf", "softmax", "neg"), unchanged),
    **dict.fromkeys(named("linear"), linear),
    **dict.fromkeys(named("matmul", "bmm", "mm"), matmul),
    **dict.fromkeys(named("mean", "sum"), proportional),
    **dict.fromkeys(_PRODUCTS, multiply),
    **dict.fromkeys(_QUOTIENTS, divide_by_constant),
    **dict.fromkeys(named("add", "add_"), add),
    F.scaled_dot_product_attention: attention,
    F.multi_head_attention_forward: multi_head,
    F.conv2d: convolution,
    torch.Tensor.__setitem__: refused,
}

_PASSING = {
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

_STATISTICS = named("pow", "square", "var", "std", "rsqrt", "sqrt", "norm")

TABLE = FunctionTable(
    handlers=_HANDLERS,
    passing=frozenset(_PASSING),
    statistics=frozenset(_STATISTICS),
    of_statistics=frozenset([*_PRODUCTS, *_QUOTIENTS]),
)


def propagation(rules: Rules, *, masked: bool = False) -> Propagation:
    """A mode that knows every function of this table; see :class:`whylight.propagation.mode.Propagation`."""
    return Propagation(rules, TABLE, masked=masked)
