"""``F.multi_head_attention_forward`` in its parts: project, attend, project."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import UnsupportedModel

_SIGNATURE = inspect.signature(F.multi_head_attention_forward)

Attend = Callable[..., Tensor]


def multi_head_attention(attend: Attend, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor | None]:
    """The same result as ``F.multi_head_attention_forward(*args, **kwargs)``, through ``attend``.

    Args:
        attend: called as ``attend(query, key, value, mask, dropout)`` with (batch, heads, tokens, head width) tensors;
            returns A V of the same shape as query.
        args, kwargs: as the torch function takes them: (tokens, batch, width), whatever ``batch_first`` says.

    Returns:
        (queries, batch, width) and, where asked for, the attention weights.

    Raises:
        UnsupportedModel: for ``static_k`` or ``static_v``, which no supported model uses.
    """
    bound = _SIGNATURE.bind(*args, **kwargs)
    bound.apply_defaults()
    call = bound.arguments
    if call["static_k"] is not None or call["static_v"] is not None:
        raise UnsupportedModel("attention with static keys or values cannot be recorded")
    query, key, value = call["query"], call["key"], call["value"]
    batched = query.dim() == 3
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
    heads = call["num_heads"]
    queries, batch = query.shape[:2]

    projected = _project(call, query, key, value)
    tokens = len(projected[1])
    projected[1:] = _with_added_keys(call, *projected[1:])
    q, k, v = (p.reshape(p.shape[0], batch, heads, -1).permute(1, 2, 0, 3) for p in projected)

    mask = _mask(call, q, k.shape[2] - tokens)
    dropout = call["dropout_p"] if call["training"] else 0.0
    output = attend(q, k, v, mask, dropout)
    merged = output.permute(2, 0, 1, 3).reshape(queries, batch, -1)
    result = F.linear(merged, call["out_proj_weight"], call["out_proj_bias"])
    weights = _weights(call, q, k, mask) if call["need_weights"] else None
    if batched:
        return result, weights
    return result.squeeze(1), None if weights is None else weights.squeeze(0)


def _project(call: dict[str, Any], query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    bias = call["in_proj_bias"]
    if call["use_separate_proj_weight"]:
        weights = (call["q_proj_weight"], call["k_proj_weight"], call["v_proj_weight"])
    else:
        weight = call["in_proj_weight"]
        if query is key and key is value:
            return list(F.linear(query, weight, bias).chunk(3, dim=-1))
        weights = weight.chunk(3)
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return [F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]


def _with_added_keys(call: dict[str, Any], key: Tensor, value: Tensor) -> list[Tensor]:
    """Keys and values, (keys, batch, width), with the learned one and the one of zeros where a module has them."""
    both = [key, value]
    if call["bias_k"] is not None:
        extra = (call["bias_k"], call["bias_v"])
        both = [torch.cat([p, e.expand(1, p.shape[1], -1)]) for p, e in zip(both, extra, strict=True)]
    if call["add_zero_attn"]:
        both = [torch.cat([p, p.new_zeros(1, *p.shape[1:])]) for p in both]
    return both


def _weights(call: dict[str, Any], query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """The attention weights, (batch, queries, keys), or those of each head where asked for."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    weights: Tensor = (scores if mask is None else scores + mask).softmax(-1)
    return weights.mean(1) if call["average_attn_weights"] else weights


def _mask(call: dict[str, Any], query: Tensor, keys_added: int) -> Tensor | None:
    """Both masks as one tensor to add to the scores, broadcastable to (batch, heads, queries, keys)."""
    batch, heads = query.shape[:2]
    attention, padding = call["attn_mask"], call["key_padding_mask"]
    masks = []
    if attention is not None:
        per_head = attention.dim() == 3
        masks.append(_additive(attention.reshape(batch, heads, *attention.shape[1:]) if per_head else attention, query))
    if padding is not None:
        masks.append(_additive(padding.reshape(batch, 1, 1, -1), query))
    if not masks:
        return None
    return F.pad(sum(masks[1:], start=masks[0]), (0, keys_added))


def _additive(mask: Tensor, like: Tensor) -> Tensor:
    """This function's boolean masks say True = may not attend."""
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(mask, -torch.inf)
