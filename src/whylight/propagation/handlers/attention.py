"""Attention, fused or in ``nn.MultiheadAttention``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from whylight.attention.arguments import AttentionArguments
from whylight.attention.function_mode import Function
from whylight.attention.multihead import multi_head_attention
from whylight.propagation.attention import attention_relevance
from whylight.propagation.mode import Propagation


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
