"""Attention as OpenCLIP's main branch has it: a class of its own in the place of ``nn.MultiheadAttention``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class OwnAttention(nn.Module):
    """The weights of an ``nn.MultiheadAttention`` under their names, and torch's fused attention called directly.

    It takes and gives (batch, tokens, width), and knows nothing of ``batch_first`` or of packed projections of torch.
    """

    def __init__(self, of: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads = of.num_heads
        self.packed = of.in_proj_weight is not None
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias"):
            self.register_parameter(name, getattr(of, name))
        self.out_proj = of.out_proj

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = False, attn_mask: Tensor | None = None
    ) -> tuple[Tensor, None]:
        weights = self.in_proj_weight.chunk(3) if self.packed else self._apart()
        parts = zip((query, key, value), weights, self.in_proj_bias.chunk(3), strict=True)
        q, k, v = (self._heads(F.linear(tokens, weight, bias)) for tokens, weight, bias in parts)
        if attn_mask is not None and attn_mask.dim() == 3:  # (batch x heads, queries, keys)
            attn_mask = attn_mask.unflatten(0, (-1, self.num_heads))
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=attn_mask)
        return self.out_proj(attended.transpose(1, 2).flatten(2)), None

    def _apart(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.q_proj_weight, self.k_proj_weight, self.v_proj_weight

    def _heads(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def with_own_attention(model: nn.Module) -> nn.Module:
    """The model, with that class wherever ``nn.MultiheadAttention`` stood; it gives what it gave."""
    for part in model.modules():
        for name, inner in list(part.named_children()):
            if isinstance(inner, nn.MultiheadAttention):
                assert inner.batch_first
                setattr(part, name, OwnAttention(inner).to(torch.float64).eval())
    return model
