"""Attention as OpenCLIP's main branch has it: a class of its own in the place of ``nn.MultiheadAttention``.

True to ``src/open_clip/transformer.py`` of that branch at commit 6dbeddb, in what can matter to whoever drives or
records it: names of parameters and parts, arguments and what is given back, and how torch's fused attention is called.
"""

from __future__ import annotations

import torch.nn.functional as F
from open_clip import transformer
from torch import Tensor, nn

_WEIGHTS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_bias")


class Attention(nn.Module):
    """The weights of an ``nn.MultiheadAttention`` under their names; (batch, tokens, width) in and out, no pair.

    It knows neither ``batch_first`` nor ``need_weights``. A mask of truth values says what is kept.
    """

    def __init__(self, of: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads, self.head_dim = of.num_heads, of.head_dim
        self.scale = of.head_dim**-0.5
        self.logit_scale = self.head_scale = None
        for name in _WEIGHTS:
            self.register_parameter(name, getattr(of, name))
        self.ln_q, self.ln_k, self.ln_inner = nn.Identity(), nn.Identity(), nn.Identity()
        self.attn_drop, self.out_drop = nn.Dropout(0.0), nn.Dropout(0.0)
        self.out_proj = nn.Linear(of.embed_dim, of.embed_dim)
        self.out_proj.weight, self.out_proj.bias = of.out_proj.weight, of.out_proj.bias

    def forward(
        self, x: Tensor, k_x: Tensor | None = None, v_x: Tensor | None = None, attn_mask: Tensor | None = None
    ) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2) for part in self._projected(x, k_x, v_x)
        )
        if attn_mask is not None and attn_mask.dim() == 3:  # (batch x heads, queries, keys)
            attn_mask = attn_mask.unflatten(0, (-1, self.num_heads))
        attended = F.scaled_dot_product_attention(
            self.ln_q(q), self.ln_k(k), v, attn_mask=attn_mask, dropout_p=0.0, scale=self.scale
        )
        return self.out_drop(self.out_proj(self.ln_inner(attended.transpose(1, 2).flatten(2))))

    def _projected(self, x: Tensor, k_x: Tensor | None, v_x: Tensor | None) -> tuple[Tensor, ...]:
        """Queries, keys and values: of one product where only x is given, of three elsewhere."""
        if self.in_proj_weight is not None and k_x is None and v_x is None:
            return F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        apart = self.q_proj_weight, self.k_proj_weight, self.v_proj_weight
        weights = apart if self.in_proj_weight is None else self.in_proj_weight.chunk(3)
        given = x, x if k_x is None else k_x, x if v_x is None else v_x
        return tuple(map(F.linear, given, weights, self.in_proj_bias.chunk(3)))


class ResidualAttentionBlock(transformer.ResidualAttentionBlock):
    """A block that gives its attention keys and values by name, the queries themselves where there are no others."""

    def attention(
        self, q_x: Tensor, k_x: Tensor | None = None, v_x: Tensor | None = None, attn_mask: Tensor | None = None
    ) -> Tensor:
        mask = None if attn_mask is None else attn_mask.to(q_x.dtype)
        keys, values = (q_x if given is None else given for given in (k_x, v_x))
        return self.attn(q_x, k_x=keys, v_x=values, attn_mask=mask)


class AttentionalPooler(transformer.AttentionalPooler):
    """A pooler that does the same."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.ln_k(x)
        return self.attn(self.ln_q(self.query).expand(len(x), -1, -1), k_x=x, v_x=x)


def with_own_attention(model: nn.Module) -> nn.Module:
    """The model, made of these wherever ``nn.MultiheadAttention`` stood; it gives what it gave."""
    for part in model.modules():
        for kind in (ResidualAttentionBlock, AttentionalPooler):
            if type(part) is kind.__base__:
                part.attn = Attention(part.attn).eval()
                part.__class__ = kind
    assert not any(isinstance(part, nn.MultiheadAttention) for part in model.modules())
    return model
