"""The arguments of one call of ``F.scaled_dot_product_attention``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor

from whylight.attention.call import AttentionCall


@dataclass(frozen=True)
class AttentionArguments:
    """``AttentionArguments(*args, **kwargs)`` of what the torch function is called with, under torch's own names."""

    query: Tensor
    key: Tensor
    value: Tensor
    attn_mask: Tensor | None = None
    dropout_p: float = 0.0
    is_causal: bool = False
    scale: float | None = None
    enable_gqa: bool = False

    def attend(self) -> Tensor:
        """What torch computes of them."""
        return F.scaled_dot_product_attention(
            self.query,
            self.key,
            self.value,
            self.attn_mask,
            self.dropout_p,
            self.is_causal,
            scale=self.scale,
            enable_gqa=self.enable_gqa,
        )

    def ungrouped(self) -> AttentionArguments:
        """The same with a key and a value head for every query head."""
        groups = self.query.shape[-3] // self.key.shape[-3] if self.enable_gqa else 1
        if groups == 1:
            return self
        key, value = (heads.repeat_interleave(groups, dim=-3) for heads in (self.key, self.value))
        return replace(self, key=key, value=value, enable_gqa=False)

    def recorded(self, output: Tensor) -> AttentionCall:
        """The call that gave this output."""
        given = self.ungrouped()
        scale = given.query.shape[-1] ** -0.5 if given.scale is None else given.scale
        return AttentionCall(given.query, given.key, given.value, output, given.attn_mask, given.is_causal, scale)
