"""What a pre-norm block's attention reads: the output of the block's first norm."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.function_mode import Function, FunctionMode

_NORMS = {F.layer_norm, getattr(F, "rms_norm", F.layer_norm)}
_ATTENTION = {F.scaled_dot_product_attention, F.multi_head_attention_forward}


class FirstNorm(FunctionMode):
    """Inside ``with FirstNorm(tokens.shape) as norm:`` a block leaves its first norm's output in ``norm.output``.

    Args:
        shape: of the block's tokens.
        leaf: make that output a leaf of the block's graph, whose gradient can be asked for.

    Attributes:
        output: (batch, tokens, width), or (batch, rows, columns, width); None where no norm comes before the attention.
    """

    def __init__(self, shape: torch.Size, *, leaf: bool = False) -> None:
        super().__init__()
        self.shape, self.leaf = shape, leaf
        self.output: Tensor | None = None
        self.looking = True

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = func(*args, **kwargs)
        if self.looking and func in _NORMS and self._of_tokens(result.shape):
            result = self.output = result.detach().requires_grad_() if self.leaf else result
            self.looking = False
        elif func in _ATTENTION:
            self.looking = False
        return result

    def _of_tokens(self, shape: torch.Size) -> bool:
        """Whether these are all tokens, in a row or, as Swin has them, on their grid."""
        return shape[-1] == self.shape[-1] and shape.numel() == self.shape.numel()
