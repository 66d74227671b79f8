"""A model of PEFT as it comes says what its merged model says."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import open_clip
import peft
import pytest
import timm
import torch
import torch.nn.functional as F
import transformers
from torch import nn

import whylight
from whylight.errors import UnsupportedModel, WhylightWarning

PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
METHODS = ("legrad", "chefercam", "rollout", "grad_eclip", "decomposition", "gradcam")
SMALL = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}


def timm_model() -> nn.Module:
    size = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3}
    model: nn.Module = timm.models.VisionTransformer(**size)
    return model


def transformers_model() -> nn.Module:
    config = transformers.ViTConfig(image_size=32, patch_size=8, num_labels=3, **SMALL)
    model: nn.Module = transformers.ViTForImageClassification(config)
    return model


def clip_model() -> nn.Module:
    vision = {"image_size": 32, "patch_size": 8, "width": 32, "head_width": 8, "layers": 2}
    model: nn.Module = open_clip.CLIP(16, vision, {"width": 16, "heads": 2, "layers": 1, "vocab_size": 50})
    return model


MODELS: dict[str, tuple[Any, list[str], list[str]]] = {
    "timm": (timm_model, ["qkv", "fc1"], ["head"]),
    "transformers": (transformers_model, ["q_proj", "v_proj", "query", "value"], ["classifier"]),
    "openclip": (clip_model, ["attn", "c_fc"], []),
}


@pytest.mark.parametrize("kind", MODELS)
def test_it_equals_its_merged_model(kind: str) -> None:
    torch.manual_seed(0)
    make, layers, whole = MODELS[kind]
    adapted = peft.get_peft_model(make(), peft.LoraConfig(r=4, target_modules=layers, modules_to_save=whole or None))
    adapted = adapted.eval().double()
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.3)
    merged = whylight.wrap(copy.deepcopy(adapted).merge_and_unload().eval())
    view = whylight.wrap(adapted)
    targets = [0, 2] if view.classifies else F.normalize(torch.randn(2, 16, dtype=torch.float64), dim=-1)
    for name in METHODS:
        expected = whylight.relevance(merged, PIXELS, targets, name)
        assert torch.allclose(whylight.relevance(view, PIXELS, targets, name), expected, atol=1e-9), name
    plain = whylight.wrap(adapted.unload().eval())
    assert not torch.allclose(whylight.relevance(plain, PIXELS, targets), whylight.relevance(merged, PIXELS, targets))


@pytest.mark.parametrize("name", ["lrp", "partial_lrp", "relevance_rollout", "transformer_attribution"])
def test_what_depends_on_merging_is_said_once(name: str) -> None:
    torch.manual_seed(0)
    adapted = peft.get_peft_model(timm_model(), peft.LoraConfig(r=4, target_modules=["qkv", "fc1"])).eval().double()
    for weight_name, weight in adapted.named_parameters():
        if "lora_B" in weight_name:
            nn.init.normal_(weight, std=0.3)
    merged = copy.deepcopy(adapted)
    merged.merge_adapter()
    view = whylight.wrap(adapted)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = whylight.relevance(whylight.wrap(merged), PIXELS, [0, 2], name)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", WhylightWarning)
        maps = whylight.relevance(view, PIXELS, [0, 2], name)
        whylight.relevance(view, PIXELS[:1], [1], name)
    (line,) = [str(each.message) for each in said if issubclass(each.category, WhylightWarning)]
    assert "blocks.0.attn.qkv and its adapter apart (4 such layers)" in line
    assert not torch.allclose(maps, expected, atol=1e-3 * float(expected.abs().max())), "that is what the line is for"


def test_tokens_before_the_model_s_own_are_refused() -> None:
    bert = transformers.BertForSequenceClassification(transformers.BertConfig(vocab_size=40, num_labels=2, **SMALL))
    tuned = peft.get_peft_model(bert, peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=3)).eval()
    with pytest.raises(UnsupportedModel, match="PROMPT_TUNING puts tokens before"):
        whylight.wrap(tuned)
