"""Normalisation with its statistics as constants, under which a sum at the input is a sum at the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function, FunctionMode


class FrozenNorm(FunctionMode):
    """Inside it layer norm and RMS norm keep their values, and mean and spread are constants for their derivative."""

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is F.layer_norm:
            return _layer_norm(*args, **kwargs)
        if func is getattr(F, "rms_norm", None):
            return _rms_norm(*args, **kwargs)
        return NotImplemented


def _layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    variance, mean = torch.var_mean(at_least_float32(input.detach()), axes, correction=0, keepdim=True)
    normalized = (input - mean) * (variance + eps).rsqrt()
    normalized = normalized if weight is None else normalized * weight
    return (normalized if bias is None else normalized + bias).to(input.dtype)


def _rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    axes = tuple(range(-len(normalized_shape), 0))
    square = at_least_float32(input.detach()).square().mean(axes, keepdim=True)
    normalized = input * (square + (torch.finfo(input.dtype).eps if eps is None else eps)).rsqrt()
    return (normalized if weight is None else normalized * weight).to(input.dtype)
