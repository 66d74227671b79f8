"""The pre-norm blocks of transformers' picture towers, part by part."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from whylight.models.pre_norm import PreNormBlock, activation_of

# Where a layer's class keeps W_O, the norm before the MLP, W₁, W₂ and the activation; then where it did before 5.
_CLIP = [("self_attn.out_proj", "layer_norm2", "mlp.fc1", "mlp.fc2", "mlp.activation_fn")]
_VIT = [
    ("attention.o_proj", "layernorm_after", "mlp.fc1", "mlp.fc2", "mlp.activation_fn"),
    (
        "attention.output.dense",
        "layernorm_after",
        "intermediate.dense",
        "output.dense",
        "intermediate.intermediate_act_fn",
    ),
]
_DINO = [
    ("attention.o_proj", "norm2", "mlp.fc1", "mlp.fc2", "mlp.activation_fn"),
    ("attention.output.dense", "norm2", "mlp.fc1", "mlp.fc2", "mlp.activation"),
]
_DINO3 = [("attention.o_proj", "norm2", "mlp.up_proj", "mlp.down_proj", "mlp.act_fn")]
_PARTS = {
    "CLIPEncoderLayer": _CLIP,
    "CLIPSegEncoderLayer": _CLIP,
    "MetaClip2EncoderLayer": _CLIP,
    "OwlViTEncoderLayer": _CLIP,
    "Owlv2EncoderLayer": _CLIP,
    "SiglipEncoderLayer": _CLIP,
    "Siglip2EncoderLayer": _CLIP,
    "ViTLayer": _VIT,
    "DeiTLayer": _VIT,
    "Dinov2Layer": _DINO,
    "Dinov2WithRegistersLayer": _DINO,
    "DINOv3ViTLayer": _DINO3,
}


def parts_of(layer: Any) -> PreNormBlock | None:
    """The layer's parts; None where it is of another shape (gated MLPs)."""
    if hasattr(getattr(layer, "mlp", None), "gate_proj"):
        return None
    for paths in _PARTS.get(type(layer).__name__, ()):
        try:
            attention_out, norm, first, second, activation = attrgetter(*paths)(layer)
        except AttributeError:
            continue
        kind = activation_of(activation)
        if kind is None:
            return None
        scales = [getattr(getattr(layer, name, None), "lambda1", None) for name in ("layer_scale1", "layer_scale2")]
        return PreNormBlock(attention_out, norm, first, second, kind, *scales)
    return None
