"""Attention computed another way, in any model, without touching the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from whylight.attention.function_mode import Function, FunctionMode
from whylight.attention.multihead import multi_head_attention

Attend = Callable[..., Tensor]


class ReplaceAttention(FunctionMode):
    """Inside ``with ReplaceAttention(attend):`` every attention of the model is what ``attend`` returns.

    Sees ``F.scaled_dot_product_attention`` and ``F.multi_head_attention_forward`` (so ``nn.MultiheadAttention``, whose
    inference fast path switches itself off under any function mode). Modes further out still see what ``attend`` calls.

    Args:
        attend: called with the arguments of ``F.scaled_dot_product_attention``; returns (batch, heads, queries, head
            width), the shape of the query.
    """

    def __init__(self, attend: Attend) -> None:
        super().__init__()
        self.attend = attend

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is F.scaled_dot_product_attention:
            return self.attend(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            return multi_head_attention(self.attend, *args, **kwargs)
        return NotImplemented
