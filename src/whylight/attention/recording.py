"""Recording attention where it happens, in any model, without touching the model.

A ``TorchFunctionMode`` sees the two functions through which the supported libraries attend. Function modes live on
a thread-local stack: nothing is patched, and threads that record at once see only their own calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from whylight.attention.arguments import AttentionArguments
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


def _attend(calls: list[AttentionCall], leaves: bool, *args: Any, **kwargs: Any) -> Tensor:
    given = AttentionArguments(*args, **kwargs)
    if leaves and torch.is_grad_enabled():
        with torch.no_grad():
            output = given.attend()
        output.requires_grad_()
    else:
        output = given.attend()
        if torch.is_grad_enabled() and not output.requires_grad:
            output.requires_grad_()
    calls.append(given.recorded(output))
    return output
