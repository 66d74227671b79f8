"""Tiny random models of transformers that answer in words, with processors made by hand: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import transformers as hf
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

from whylight.models.transformers.answering.releases import OLD

SPECIAL = [
    *("<pad>", "<s>", "</s>", "<unk>", "<image>", "<video>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
    *("<fake_token_around_image>", "<global-img>", "<end_of_utterance>"),
    *("<start_of_image>", "<image_soft_token>", "<end_of_image>", "<IMG_CONTEXT>", "<img>", "</img>"),
    *(f"<row_{r}_col_{c}>" for r in range(1, 5) for c in range(1, 5)),
]
WORDS = ("what", "colour", "is", "the", "big", "small", "circle", "square", "a", "red", "green", "blue", "where")
WORDS = (*WORDS, "left", "right", "?", ".", "USER:", "ASSISTANT:")
MORE = ("Here", "original", "image", "and", "here", "are", "some", "crops", "to", "help", "you", "see", "better")
VOCABULARY = {word: i for i, word in enumerate(dict.fromkeys((*SPECIAL, *WORDS, *MORE)))}
QUESTION = "what colour is the circle ?"

TEXT = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EYE = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 56,
    "patch_size": 14,
}
SIGLIP = {**EYE, "vision_use_head": False}
PINS = [[56, 112], [112, 56], [112, 112], [168, 56], [56, 168]]
ROPE = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 2, 2]}
ROPE_NAME = "rope_scaling" if OLD else "rope_parameters"
CROP = {"size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}}
SQUARE = {"size": {"height": 56, "width": 56}}

Made = tuple[Any, Any, str]
"""Model, processor, and the prompt around a question."""


def tokenizer(family: str | None = None, **named: str) -> Any:
    core = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    kind = getattr(hf, f"{family}TokenizerFast") if OLD and family else hf.PreTrainedTokenizerFast
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    made = kind(tokenizer_object=core, **special, padding_side="left", additional_special_tokens=SPECIAL[4:])
    for name, token in named.items():
        setattr(made, name, token)
        setattr(made, f"{name}_id", VOCABULARY[token])
    return made


def _llava_like(kind: str, images: Any, **options: Any) -> Any:
    how = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    return getattr(hf, f"{kind}Processor")(images, tokenizer(), **how, **options)


def llava() -> Made:
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**EYE), text_config=hf.LlamaConfig(**TEXT), image_token_id=4
    )
    processor = _llava_like("Llava", hf.LlavaImageProcessor(**CROP))
    return hf.LlavaForConditionalGeneration(config), processor, "USER: <image> {} ASSISTANT:"


def llava_next() -> Made:
    eye, text = hf.CLIPVisionConfig(**EYE), hf.LlamaConfig(**TEXT)
    config = hf.LlavaNextConfig(vision_config=eye, text_config=text, image_token_id=4, image_grid_pinpoints=PINS)
    processor = _llava_like("LlavaNext", hf.LlavaNextImageProcessor(**CROP, image_grid_pinpoints=PINS))
    return hf.LlavaNextForConditionalGeneration(config), processor, "USER: <image> {} ASSISTANT:"


def llava_onevision() -> Made:
    config = hf.LlavaOnevisionConfig(
        vision_config=hf.SiglipVisionConfig(**SIGLIP),
        text_config=hf.Qwen2Config(**TEXT),
        image_token_id=4,
        video_token_id=5,
        image_grid_pinpoints=PINS,
    )
    processor = hf.LlavaOnevisionProcessor(
        hf.LlavaOnevisionImageProcessor(**SQUARE, image_grid_pinpoints=PINS),
        tokenizer(),
        hf.LlavaOnevisionVideoProcessor(),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor, "USER: <image> {} ASSISTANT:"


_QWEN_EYE = {"depth": 3, "num_heads": 2, "spatial_merge_size": 2, "temporal_patch_size": 2}
_QWEN_IDS = {"image_token_id": 8, "video_token_id": 9, "vision_start_token_id": 6, "vision_end_token_id": 7}
_QWEN_PROMPT = "<|vision_start|><|image_pad|><|vision_end|> {} ASSISTANT:"


def qwen2_vl() -> Made:
    eye = {**_QWEN_EYE, "embed_dim": 32, "hidden_size": 48, "mlp_ratio": 2, "patch_size": 14}
    config = hf.Qwen2VLConfig(vision_config=eye, text_config={**TEXT, ROPE_NAME: ROPE}, **_QWEN_IDS)
    processor = hf.Qwen2VLProcessor(hf.Qwen2VLImageProcessor(), tokenizer("Qwen2"), hf.Qwen2VLVideoProcessor())
    return hf.Qwen2VLForConditionalGeneration(config), processor, _QWEN_PROMPT


_WIDE = {"hidden_size": 32, "out_hidden_size": 48, "intermediate_size": 64}


def qwen2_5_vl() -> Made:
    eye = {**_QWEN_EYE, **_WIDE, "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1]}
    config = hf.Qwen2_5_VLConfig(vision_config=eye, text_config={**TEXT, ROPE_NAME: ROPE}, **_QWEN_IDS)
    processor = hf.Qwen2_5_VLProcessor(hf.Qwen2VLImageProcessor(), tokenizer("Qwen2"), hf.Qwen2VLVideoProcessor())
    return hf.Qwen2_5_VLForConditionalGeneration(config), processor, _QWEN_PROMPT


def qwen3_vl() -> Made:
    eye = {**_QWEN_EYE, **_WIDE, "patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}
    text = {**TEXT, "head_dim": 12, ROPE_NAME: {**ROPE, "mrope_interleaved": True}}
    config = hf.Qwen3VLConfig(vision_config=eye, text_config=text, **_QWEN_IDS)
    made = tokenizer("Qwen2", vision_start_token="<|vision_start|>", vision_end_token="<|vision_end|>")
    processor = hf.Qwen3VLProcessor(hf.Qwen2VLImageProcessor(patch_size=16), made, hf.Qwen3VLVideoProcessor())
    return hf.Qwen3VLForConditionalGeneration(config), processor, _QWEN_PROMPT


def _tiles(kind: str) -> Made:
    text = {**TEXT, "model_type": "llama"}
    config = getattr(hf, f"{kind}Config")(
        vision_config=dict(EYE), text_config=text, image_token_id=4, scale_factor=2, pad_token_id=0
    )
    images = hf.Idefics3ImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56})
    processor = hf.Idefics3Processor(images, tokenizer(), image_seq_len=4)  # SmolVLM's own needs num2words
    return getattr(hf, f"{kind}ForConditionalGeneration")(config), processor, "USER: <image> {} ASSISTANT:"


def smolvlm() -> Made:
    return _tiles("SmolVLM")


def idefics3() -> Made:
    return _tiles("Idefics3")


def paligemma() -> Made:
    text = hf.GemmaConfig(**{**TEXT, "num_key_value_heads": 1, "head_dim": 12})
    eye = hf.SiglipVisionConfig(**SIGLIP)
    config = hf.PaliGemmaConfig(
        vision_config=eye, text_config=text, image_token_index=4, projection_dim=48, hidden_size=48
    )
    images = hf.SiglipImageProcessor(**SQUARE)
    images.image_seq_length = 16
    processor = hf.PaliGemmaProcessor(images, tokenizer("Gemma", image_token="<image>"))
    return hf.PaliGemmaForConditionalGeneration(config), processor, "<image>{}"


def gemma3() -> Made:
    text = hf.Gemma3TextConfig(
        **TEXT,
        head_dim=12,
        query_pre_attn_scalar=12,
        sliding_window=8,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"],
    )
    config = hf.Gemma3Config(
        vision_config=hf.SiglipVisionConfig(**{**SIGLIP, "patch_size": 7}),
        text_config=text,
        mm_tokens_per_image=16,
        boi_token_index=13,
        eoi_token_index=15,
        image_token_index=14,
    )
    named = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    processor = hf.Gemma3Processor(hf.Gemma3ImageProcessor(**SQUARE), tokenizer(**named), image_seq_length=16)
    return hf.Gemma3ForConditionalGeneration(config), processor, "USER: <start_of_image> {} ASSISTANT:"


def internvl() -> Made:
    config = hf.InternVLConfig(
        vision_config={**EYE, "image_size": [56, 56], "patch_size": [14, 14]},
        text_config=hf.Qwen2Config(**TEXT),
        image_token_id=16,
        image_seq_length=4,
        downsample_ratio=0.5,
    )
    named = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(**SQUARE, max_patches=6),
        tokenizer(**named, video_token="<video>"),
        hf.InternVLVideoProcessor(),
        image_seq_length=4,
    )
    return hf.InternVLForConditionalGeneration(config), processor, "USER: <IMG_CONTEXT> {} ASSISTANT:"


MADE: dict[str, Callable[[], Made]] = {
    each.__name__: each
    for each in (
        llava,
        llava_next,
        llava_onevision,
        qwen2_vl,
        qwen2_5_vl,
        qwen3_vl,
        smolvlm,
        idefics3,
        paligemma,
        gemma3,
        internvl,
    )
}
"""By family."""


def answering_model(family: str, dtype: torch.dtype = torch.float64) -> Made:
    """A tiny model with every parameter moved: zeros that a fresh model has would hide mistakes."""
    torch.manual_seed(0)
    return ready(*MADE[family](), dtype)


def ready(model: Any, processor: Any, prompt: str, dtype: torch.dtype = torch.float64) -> Made:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.to(dtype).eval(), processor, prompt


def rough_picture(height: int, width: int, seed: int = 0) -> Image.Image:
    """Smooth colours, of which no spot is like another."""
    small = (max(2, height // 16), max(2, width // 16), 3)
    rough = np.random.default_rng(seed).integers(0, 255, small, dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)
