"""The picture towers of the bundled models as transformers builds them: the same numbers, under its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.errors import need
from whylight.scenes.architecture import ModelName
from whylight.scenes.load import load_scenes

WIDTH = 192


@dataclass(frozen=True)
class Tower:
    """A tower, as transformers has it and as it is stored.

    Attributes:
        config: the class of its configuration.
        options: of that configuration, beside what both towers have.
        prefix: tokens that stand before the patches.
        strategy: LLaVA's word for which of its tokens are handed on: all but the first, or all.
        blocks: what the stored blocks' names begin with.
        stored: names of a stored block's two norms, its attention's way out, and the two layers of its perceptron.
        packed: of its queries, keys and values, which are stored as one.
    """

    config: str
    options: dict[str, Any]
    prefix: int
    strategy: str
    blocks: str
    stored: tuple[str, str, str, str, str]
    packed: str


TOWERS: dict[ModelName, Tower] = {
    "scenes": Tower(
        config="ViTConfig",
        options={"layer_norm_eps": 1e-5},
        prefix=1,
        strategy="default",
        blocks="transformer.resblocks.",
        stored=("ln_1", "ln_2", "attn.out_proj", "mlp.c_fc", "mlp.c_proj"),
        packed="attn.in_proj_",
    ),
    "scenes-siglip": Tower(
        config="SiglipVisionConfig",
        options={"layer_norm_eps": 1e-6, "hidden_act": "gelu", "vision_use_head": False},
        prefix=0,
        strategy="full",
        blocks="trunk.blocks.",
        stored=("norm1", "norm2", "attn.proj", "mlp.fc1", "mlp.fc2"),
        packed="attn.qkv.",
    ),
}

_OWN = (
    ("layernorm_before", "layer_norm1"),
    ("layernorm_after", "layer_norm2"),
    ("attention.o_proj", "attention.output.dense", "self_attn.out_proj"),
    ("mlp.fc1", "intermediate.dense"),
    ("mlp.fc2", "output.dense"),
)
"""What transformers' classes and releases call what :attr:`Tower.stored` names."""
_ATTENTION = (
    ("attention.q_proj", "attention.attention.query", "self_attn.q_proj"),
    ("attention.k_proj", "attention.attention.key", "self_attn.k_proj"),
    ("attention.v_proj", "attention.attention.value", "self_attn.v_proj"),
)


def tower_config(name: ModelName) -> Any:
    """The configuration of a tower."""
    return getattr(need("transformers", "transformers"), TOWERS[name].config)(
        hidden_size=WIDTH,
        num_hidden_layers=6,
        num_attention_heads=3,
        intermediate_size=768,
        image_size=96,
        patch_size=8,
        **TOWERS[name].options,
    )


@torch.no_grad()
def take_tower(model: Any, name: ModelName) -> None:
    """Give the model the picture tower of a bundled one.

    What LLaVA reads as the tokens of the last layer lies before a ViT's final norm in transformers 5 and behind it
    before; nothing else reads that norm, so it is taken out, and with it the pooler, which nothing reads or trained.
    """
    stored = {key: value.float() for key, value in load_scenes(name)[0].visual.state_dict().items()}
    tower = model.model.vision_tower
    inner = getattr(tower, "vision_model", tower)  # before transformers 5 SigLIP's parts are one level deeper
    _embeddings(inner.embeddings, stored)
    _blocks(inner.state_dict(), stored, TOWERS[name])
    if name == "scenes":
        inner.layernorm, inner.pooler = torch.nn.Identity(), None
    else:
        inner.post_layernorm = torch.nn.Identity()


def _embeddings(own: Any, stored: dict[str, Tensor]) -> None:
    if "class_embedding" in stored:
        own.cls_token.copy_(stored["class_embedding"].view(1, 1, -1))
        own.position_embeddings.copy_(stored["positional_embedding"][None])
        own.patch_embeddings.projection.weight.copy_(stored["conv1.weight"])
        own.patch_embeddings.projection.bias.zero_()
    else:
        own.position_embedding.weight.copy_(stored["trunk.pos_embed"][0])
        own.patch_embedding.weight.copy_(stored["trunk.patch_embed.proj.weight"])
        own.patch_embedding.bias.copy_(stored["trunk.patch_embed.proj.bias"])


def _blocks(own: dict[str, Tensor], stored: dict[str, Tensor], tower: Tower) -> None:
    starts = sorted({key.partition(name)[0] for key in own for name in _OWN[0] if name in key})
    for index, start in enumerate(starts):
        block = f"{tower.blocks}{index}."
        for kind in ("weight", "bias"):
            for ends, name in zip(_OWN, tower.stored, strict=True):
                own[_found(own, start, ends, kind)].copy_(stored[f"{block}{name}.{kind}"])
            packed = stored[f"{block}{tower.packed}{kind}"].split(WIDTH)
            for ends, value in zip(_ATTENTION, packed, strict=True):
                own[_found(own, start, ends, kind)].copy_(value)


def _found(own: dict[str, Tensor], start: str, ends: tuple[str, ...], kind: str) -> str:
    return next(name for end in ends if (name := f"{start}{end}.{kind}") in own)
