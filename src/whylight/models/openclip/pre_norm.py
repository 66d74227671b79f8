"""OpenCLIP's residual attention blocks as pre-norm blocks."""

from __future__ import annotations

from typing import Any

from whylight.models.pre_norm import PartPaths, PreNormBlock

_PARTS = PartPaths("attn.out_proj", "ln_2", "mlp.c_fc", "mlp.c_proj", "mlp.gelu", "ls_1.gamma", "ls_2.gamma")


def parts_of(block: Any) -> PreNormBlock | None:
    """The block's parts; None where it is of another shape."""
    if type(block).__name__ != "ResidualAttentionBlock" or not hasattr(getattr(block, "mlp", None), "gelu"):
        return None
    return _PARTS.read(block)
