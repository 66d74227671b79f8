"""The patch embedding of a picture."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function
from whylight.propagation.mode import Propagation
from whylight.propagation.pictures import picture_convolution


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
    if x.dim() != 4 or x.shape[1] != mode.channels or groups != 1 or padding == "same":
        raise mode.refuse(func, "has a rule for the patches of a picture only")
    weight, bias = weight.detach(), None if bias is None else bias.detach()
    geometry = {"stride": stride, "padding": 0 if padding == "valid" else padding, "dilation": dilation}

    def rule(relevance: Tensor, output: Tensor, x: Tensor) -> tuple[Tensor]:
        return (picture_convolution(relevance, at_least_float32(x.detach()), at_least_float32(weight), **geometry),)

    return mode.apply(lambda x: F.conv2d(x, weight, bias, **geometry), rule, x)
