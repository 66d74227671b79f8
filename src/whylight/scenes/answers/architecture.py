"""The architecture of ``scenes-answers``: transformers' LLaVA, unmodified, with the tower of a bundled model inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whylight.errors import need
from whylight.scenes.answers import TOWER
from whylight.scenes.answers.towers import TOWERS, tower_config
from whylight.scenes.answers.words import CHAT_TEMPLATE, END, IMAGE, NUMBERS, PAD, tokenizer
from whylight.scenes.architecture import ModelName, configuration

FOLDER = Path(__file__).parent.parent / "weights" / "answers"
PATCHES = 144
_TEXT = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 384}


def build(tower: ModelName = "scenes") -> Any:
    """The model with freshly drawn weights (torch's global seed decides which), room for that tower in it."""
    transformers = need("transformers", "transformers")
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
    config = transformers.LlavaConfig(
        vision_config=tower_config(tower),
        text_config=text,
        image_token_id=NUMBERS[IMAGE],
        image_seq_length=PATCHES,
        vision_feature_layer=-1,
        vision_feature_select_strategy=TOWERS[tower].strategy,
    )
    config.projector_hidden_act = "gelu"
    setattr(config, TOWER, tower)
    model = transformers.LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = NUMBERS[END]
    model.generation_config.pad_token_id = NUMBERS[PAD]
    return model.eval()


def processor(tower: ModelName = "scenes") -> Any:
    """LLaVA's own processor: pictures squashed to 96 x 96, one ``<image>`` made 144 tokens."""
    transformers = need("transformers", "transformers")
    said = configuration(tower)["preprocess_cfg"]
    square = {"height": 96, "width": 96}
    images = transformers.CLIPImageProcessor(
        size=square, do_center_crop=False, image_mean=said["mean"], image_std=said["std"], resample=3
    )
    return transformers.LlavaProcessor(
        images,
        tokenizer(),
        patch_size=8,
        vision_feature_select_strategy=TOWERS[tower].strategy,
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE,
        num_additional_image_tokens=TOWERS[tower].prefix,
    )
