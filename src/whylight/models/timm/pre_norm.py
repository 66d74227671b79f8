"""timm's plain blocks (ViT, DeiT, DINOv2, SigLIP trunks) as pre-norm blocks."""

from __future__ import annotations

from typing import Any

from torch import nn

from whylight.models.pre_norm import PreNormBlock, activation_of


def parts_of(block: Any) -> PreNormBlock | None:
    """The block's parts; None where it is of another shape, as BEiT's are, which have the same name."""
    if type(block).__qualname__ != "Block" or not type(block).__module__.endswith(".vision_transformer"):
        return None
    if type(block.attn).__name__ != "Attention" or getattr(block.attn, "gate", None) is not None:
        return None
    activation = activation_of(block.mlp.act)
    inner = (block.attn.norm, block.mlp.norm)
    if activation is None or not all(isinstance(module, nn.Identity) for module in inner):
        return None
    return PreNormBlock(
        attention_out=block.attn.proj,
        norm=block.norm2,
        first=block.mlp.fc1,
        second=block.mlp.fc2,
        activation=activation,
        attention_scale=getattr(block.ls1, "gamma", None),
        mlp_scale=getattr(block.ls2, "gamma", None),
    )
