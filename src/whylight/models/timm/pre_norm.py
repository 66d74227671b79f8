"""timm's plain blocks (ViT, DeiT, DINOv2, SigLIP trunks) as pre-norm blocks."""

from __future__ import annotations

from typing import Any

from torch import nn

from whylight.models.pre_norm import PartPaths, PreNormBlock

_PARTS = PartPaths("attn.proj", "norm2", "mlp.fc1", "mlp.fc2", "mlp.act", "ls1.gamma", "ls2.gamma")


def parts_of(block: Any) -> PreNormBlock | None:
    """The block's parts; None where it is of another shape, as BEiT's are, which have the same name."""
    if type(block).__qualname__ != "Block" or not type(block).__module__.endswith(".vision_transformer"):
        return None
    if type(block.attn).__name__ != "Attention" or getattr(block.attn, "gate", None) is not None:
        return None
    if not all(isinstance(module, nn.Identity) for module in (block.attn.norm, block.mlp.norm)):
        return None
    return _PARTS.read(block)
