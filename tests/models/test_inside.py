"""Larger models are refused naming the part that can be explained, whichever library they come from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
import torchvision
import transformers as hf
from torch import nn
from zoo.answering_models import EYE, TEXT, answering_model
from zoo.transformers_models import CLIP_VISION, VIT, dual_config

import whylight
from whylight.errors import UnsupportedModel


def llava_without_head() -> nn.Module:
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(**EYE), text_config=hf.LlamaConfig(**TEXT), image_token_id=4
    )
    return hf.LlavaModel(config)


def untried_tower() -> nn.Module:
    config = hf.LlavaConfig(vision_config=hf.Dinov2Config(**VIT), text_config=hf.LlamaConfig(**TEXT), image_token_id=4)
    return hf.LlavaForConditionalGeneration(config)


def encoder_decoder() -> nn.Module:
    config = hf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        hf.ViTConfig(**VIT),
        hf.BertConfig(vocab_size=20, hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24),
    )
    return hf.VisionEncoderDecoderModel(config)


def blip() -> nn.Module:
    text = {"vocab_size": 40, "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = hf.BlipConfig(text_config=text, vision_config=CLIP_VISION, projection_dim=16)
    return hf.BlipForConditionalGeneration(config)


WHOLES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "LLaVA without its head": (llava_without_head, r"vision_tower \(CLIPVisionModel\)"),
    "LLaVA over another tower": (untried_tower, r"model\.vision_tower \(Dinov2Model\)"),
    "CLIPSeg with its decoder": (lambda: hf.CLIPSegForImageSegmentation(dual_config("CLIPSegConfig")), r"clip \(CLIPS"),
    "OWL-ViT": (lambda: hf.OwlViTForObjectDetection(dual_config("OwlViTConfig")), r"owlvit \(OwlViTModel\)"),
    "captions": (encoder_decoder, r"encoder \(ViTModel\)"),
    "ones own": (lambda: nn.Sequential(nn.Linear(2, 2), torchvision.models.vit_b_32()), r"1 \(VisionTransformer\)"),
}


@pytest.mark.parametrize("name", WHOLES)
def test_the_part_that_works_is_named_and_works(name: str) -> None:
    build, part = WHOLES[name]
    torch.manual_seed(0)
    model = build().eval()
    with pytest.raises(UnsupportedModel, match=rf"not supported.*, but its part \.{part}.* is: wrap that") as error:
        whylight.wrap(model)
    assert "\n" not in str(error.value)
    path = str(error.value).partition("its part .")[2].partition(" ")[0]
    view = whylight.wrap(model.get_submodule(path))
    assert view.module is model.get_submodule(path)
    assert view.preprocessing is not None


def test_models_that_answer_in_words_stay_whole() -> None:
    model, processor, _ = answering_model("llava")
    assert whylight.wrap(model, processor=processor).front_door == "whylight.ask"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (blip, "BlipForConditionalGeneration is not supported"),
        (lambda: timm.create_model("convnext_atto"), "ConvNeXt is not supported, because it is made of convolutions"),
        (lambda: timm.create_model("maxvit_pico_rw_256"), "attends within windows"),
        (lambda: torchvision.models.convnext_tiny(), "ConvNeXt is not supported: it is made of convolutions"),
        (lambda: torchvision.models.swin_t(), "SwinTransformer is not supported: it attends within windows"),
        (lambda: hf.ConvNextModel(hf.ConvNextConfig()), "ConvNextModel is not supported: it is made of convolutions"),
        (lambda: hf.Swinv2Model(hf.Swinv2Config()), "Swinv2Model is not supported: it attends within windows"),
        (lambda: hf.CvtModel(hf.CvtConfig()), "CvtModel is not supported: it changes its set of tokens"),
    ],
)
def test_what_has_no_such_part_says_why_in_one_line(build: Callable[[], nn.Module], reason: str) -> None:
    with torch.device("meta"):
        model = build()
    with pytest.raises(UnsupportedModel, match=reason) as error:
        whylight.wrap(model)
    assert "\n" not in str(error.value)
    assert "but its part" not in str(error.value)
