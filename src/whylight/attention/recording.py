"""Recording attention where it happens, in any model, without touching the model.

A ``TorchFunctionMode`` sees the two functions through which the supported libraries attend. Function modes live on
a thread-local stack: nothing is patched, and threads that record at once see only their own calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import AttentionCall
from whylight.attention.replacing import ReplaceAttention


@contextmanager
def record_attention(*, leaves: bool = False) -> Iterator[list[AttentionCall]]:
    """Record every attention call made inside the block, in order; the computation stays what it was.

    Sees ``F.scaled_dot_product_attention`` and ``F.multi_head_attention_forward`` (so ``nn.MultiheadAttention``, whose
    inference fast path switches itself off under any function mode). Under grad mode each call's output is a tensor
    whose gradient can be asked for, also where all parameters are frozen. Keep the backward pass outside the block.

    Args:
        leaves: cut the graph at each call's output, so that gradients stop there: what comes before the attention
            then holds no graph. False keeps the graph whole.

    Yields:
        The list of calls, growing while the block runs.
    """
    calls: list[AttentionCall] = []
    with ReplaceAttention(partial(_attend, calls, leaves)):
        yield calls


def _attend(
    calls: list[AttentionCall],
    leaves: bool,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    def attention() -> Tensor:
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )

    if leaves and torch.is_grad_enabled():
        with torch.no_grad():
            output = attention()
        output.requires_grad_()
    else:
        output = attention()
        if torch.is_grad_enabled() and not output.requires_grad:
            output.requires_grad_()
    groups = query.shape[-3] // key.shape[-3] if enable_gqa else 1
    calls.append(
        AttentionCall(
            query=query,
            key=key if groups == 1 else key.repeat_interleave(groups, dim=-3),
            value=value if groups == 1 else value.repeat_interleave(groups, dim=-3),
            output=output,
            mask=attn_mask,
            is_causal=is_causal,
            scale=query.shape[-1] ** -0.5 if scale is None else scale,
        )
    )
    return output
