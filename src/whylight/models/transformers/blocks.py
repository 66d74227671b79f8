"""Calling transformers' layers one by one, in the releases from 4.57 on."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn

from whylight.models.view import Block


def picture_tower(module: Any) -> Any:
    """The vision transformer inside a model; the model itself where it is one."""
    for name in ("vision_model", "vit", "deit", "dinov2", "dinov2_with_registers", "swin"):
        if hasattr(module, name):
            return getattr(module, name)
    return module


def layers_of(tower: Any) -> list[nn.Module]:
    """The encoder layers of a tower, wherever its family and release keep them."""
    encoder = getattr(tower, "encoder", getattr(tower, "transformer", getattr(tower, "model", tower)))
    return list(encoder.layers if hasattr(encoder, "layers") else encoder.layer)


def drive(layer: nn.Module, mask: Tensor | None = None, **arguments: Any) -> Block:
    """A layer as a function of its tokens alone; what else it needs is bound here.

    Args:
        layer: an encoder layer. It returns tokens, or before transformers 5 a tuple that begins with them.
        mask: attention mask, boolean, True = may attend, broadcastable to (batch, heads, tokens, tokens).
        **arguments: whatever else the layer takes (rotary tables, ``is_causal``).
    """
    # CLIP's layers before transformers 5 have a second mask, without a default.
    if "causal_attention_mask" in inspect.signature(layer.forward).parameters:
        arguments["causal_attention_mask"] = None

    def block(tokens: Tensor) -> Tensor:
        output: Tensor | tuple[Tensor, ...] = layer(tokens, mask, **arguments)
        return output[0] if isinstance(output, tuple) else output

    return block
