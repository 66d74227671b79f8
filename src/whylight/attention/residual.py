"""The residual stream of a block: what its attention and its MLP add to the tokens that enter it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from whylight.attention.function_mode import Function, FunctionMode

_ADDITIONS = (torch.add, torch.Tensor.add)


class ResidualStream(FunctionMode):
    """Inside ``with ResidualStream(tokens) as stream: output = block(tokens)`` additions to the stream are recorded.

    An addition belongs to the stream when one of its operands *is* the stream so far: the tokens first, then the sum.
    In a pre-norm block ``output`` is ``stream.sum``, and equals tokens + the sum of ``stream.branches``.

    Attributes:
        sum: the stream so far, (batch, tokens, width).
        branches: what was added, in order: the attention's output first, in all supported families.
    """

    def __init__(self, tokens: Tensor) -> None:
        super().__init__()
        self.sum = tokens
        self.branches: list[Tensor] = []

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = func(*args, **kwargs)
        if func in _ADDITIONS and len(args) == 2 and not kwargs:
            for stream, branch in (args, args[::-1]):
                if stream is self.sum and isinstance(branch, Tensor) and branch.shape == stream.shape:
                    self.sum = result
                    self.branches.append(branch)
                    break
        return result
