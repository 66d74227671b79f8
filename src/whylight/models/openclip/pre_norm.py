"""OpenCLIP's residual attention blocks as pre-norm blocks."""

from __future__ import annotations

from typing import Any

from whylight.models.pre_norm import PreNormBlock, activation_of


def parts_of(block: Any) -> PreNormBlock | None:
    """The block's parts; None where it is of another shape."""
    activation = activation_of(getattr(getattr(block, "mlp", None), "gelu", None))
    if type(block).__name__ != "ResidualAttentionBlock" or activation is None:
        return None
    return PreNormBlock(
        attention_out=block.attn.out_proj,
        norm=block.ln_2,
        first=block.mlp.c_fc,
        second=block.mlp.c_proj,
        activation=activation,
        attention_scale=getattr(block.ls_1, "gamma", None),
        mlp_scale=getattr(block.ls_2, "gamma", None),
    )
