"""The architecture of ``scenes-answers``: transformers' LLaVA, the tower of ``scenes`` inside, unmodified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from whylight.errors import need
from whylight.scenes.answers.words import CHAT_TEMPLATE, END, IMAGE, NUMBERS, PAD, tokenizer
from whylight.scenes.architecture import configuration

FOLDER = Path(__file__).parent.parent / "weights" / "answers"
PATCHES = 144
_TEXT = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 384}


def build() -> Any:
    """The model with freshly drawn weights (torch's global seed decides which)."""
    transformers = need("transformers", "transformers")
    vision = transformers.ViTConfig(
        hidden_size=192,
        num_hidden_layers=6,
        num_attention_heads=3,
        intermediate_size=768,
        image_size=96,
        patch_size=8,
        layer_norm_eps=1e-5,
    )
    text = transformers.LlamaConfig(
        **_TEXT,
        num_key_value_heads=4,
        vocab_size=len(NUMBERS),
        max_position_embeddings=512,
        initializer_range=0.08,
        pad_token_id=NUMBERS[PAD],
        bos_token_id=NUMBERS["<s>"],
        eos_token_id=NUMBERS[END],
    )
    options = {"vision_feature_layer": -1, "vision_feature_select_strategy": "default"}
    config = transformers.LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=NUMBERS[IMAGE], image_seq_length=PATCHES, **options
    )
    config.projector_hidden_act = "gelu"
    model = transformers.LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = NUMBERS[END]
    model.generation_config.pad_token_id = NUMBERS[PAD]
    return model.eval()


def processor() -> Any:
    """LLaVA's own processor: pictures squashed to 96 x 96, one ``<image>`` made 144 tokens."""
    transformers = need("transformers", "transformers")
    said = configuration("scenes")["preprocess_cfg"]
    square = {"height": 96, "width": 96}
    images = transformers.CLIPImageProcessor(
        size=square, do_center_crop=False, image_mean=said["mean"], image_std=said["std"], resample=3
    )
    return transformers.LlavaProcessor(
        images,
        tokenizer(),
        patch_size=8,
        vision_feature_select_strategy="default",
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
        num_additional_image_tokens=1,
    )


def take_tower(model: Any, weights: dict[str, Tensor]) -> None:
    """Give the model the picture tower of ``scenes`` (OpenCLIP's names): the same numbers, under ViT's names.

    What LLaVA reads as the tokens of the last layer lies before the tower's final norm in transformers 5 and behind
    it before; nothing else reads that norm, so it is taken out, and with it the pooler, which nothing reads or trained.
    """
    tower = model.model.vision_tower
    width = weights["visual.class_embedding"].shape[0]
    with torch.no_grad():
        tower.embeddings.cls_token.copy_(weights["visual.class_embedding"].view(1, 1, width))
        tower.embeddings.position_embeddings.copy_(weights["visual.positional_embedding"][None])
        tower.embeddings.patch_embeddings.projection.weight.copy_(weights["visual.conv1.weight"])
        tower.embeddings.patch_embeddings.projection.bias.zero_()
    saved = {k.removeprefix("visual."): v.float() for k, v in weights.items() if k.startswith("visual.")}
    _fill(tower, saved, width)
    tower.layernorm = torch.nn.Identity()
    tower.pooler = None


def _fill(tower: Any, saved: dict[str, Tensor], width: int) -> None:
    """The blocks, by their parts' places in the state dict of either release of ViT."""
    names = {"ln_1": "layernorm_before", "ln_2": "layernorm_after"}
    own = tower.state_dict()
    layers = sorted({key.split("layernorm_before")[0] for key in own if "layernorm_before" in key})
    for index, start in enumerate(layers):
        block = f"transformer.resblocks.{index}."
        renamed = {new: f"{block}{old}" for old, new in names.items()}
        parts = {name: key for key in own if key.startswith(start) for name in [key.removeprefix(start)]}
        for kind in ("weight", "bias"):
            for new, old in renamed.items():
                own[f"{start}{new}.{kind}"].copy_(saved[f"{old}.{kind}"])
            packed = saved[f"{block}attn.in_proj_{kind}"].split(width)
            for end, value in zip(_attention_names(parts), packed, strict=True):
                own[f"{start}{end}.{kind}"].copy_(value)
            for ends, old in (
                (("attention.o_proj", "attention.output.dense"), "attn.out_proj"),
                (("mlp.fc1", "intermediate.dense"), "mlp.c_fc"),
                (("mlp.fc2", "output.dense"), "mlp.c_proj"),
            ):
                end = next(end for end in ends if f"{end}.{kind}" in parts)
                own[f"{start}{end}.{kind}"].copy_(saved[f"{block}{old}.{kind}"])


def _attention_names(parts: dict[str, str]) -> list[str]:
    if "attention.q_proj.weight" in parts:
        return [f"attention.{name}_proj" for name in "qkv"]
    return [f"attention.attention.{name}" for name in ("query", "key", "value")]
