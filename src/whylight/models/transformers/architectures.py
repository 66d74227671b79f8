"""The classes of transformers that Whylight can drive: how each begins, pools and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whylight.models.transformers.bert import begin_albert, begin_bert, begin_distilbert, begin_electra, begin_roberta
from whylight.models.transformers.clip import begin_clip_text, begin_clip_vision
from whylight.models.transformers.dino import begin_dinov2, begin_dinov3
from whylight.models.transformers.siglip import begin_siglip_text, begin_siglip_vision
from whylight.models.transformers.vit import begin_vit
from whylight.models.view import Pass, Pooling

Begin = Callable[[Any, Any], Pass]


@dataclass(frozen=True)
class Architecture:
    """One class of transformers.

    Attributes:
        begin: (module, pixels or text inputs) to a pass.
        pooling: how it pools.
        text: the ``begin`` of the text tower beside the picture tower (dual encoders).
    """

    begin: Begin
    pooling: Pooling = "class_token"
    text: Begin | None = None


PICTURES = {
    "CLIPModel": Architecture(begin_clip_vision, text=begin_clip_text),
    "CLIPVisionModelWithProjection": Architecture(begin_clip_vision),
    "CLIPVisionModel": Architecture(begin_clip_vision),
    "CLIPForImageClassification": Architecture(begin_clip_vision, "mean"),
    "SiglipModel": Architecture(begin_siglip_vision, "attention", text=begin_siglip_text),
    "SiglipVisionModel": Architecture(begin_siglip_vision, "attention"),
    "SiglipForImageClassification": Architecture(begin_siglip_vision, "mean"),
    "ViTForImageClassification": Architecture(begin_vit),
    "ViTModel": Architecture(begin_vit),
    "DeiTForImageClassification": Architecture(begin_vit),
    "DeiTForImageClassificationWithTeacher": Architecture(begin_vit),
    "DeiTModel": Architecture(begin_vit),
    "Dinov2ForImageClassification": Architecture(begin_dinov2),
    "Dinov2Model": Architecture(begin_dinov2),
    "Dinov2WithRegistersForImageClassification": Architecture(begin_dinov2),
    "Dinov2WithRegistersModel": Architecture(begin_dinov2),
    "DINOv3ViTModel": Architecture(begin_dinov3),
}

TEXTS = {
    "BertForSequenceClassification": Architecture(begin_bert),
    "RobertaForSequenceClassification": Architecture(begin_roberta),
    "XLMRobertaForSequenceClassification": Architecture(begin_roberta),
    "CamembertForSequenceClassification": Architecture(begin_roberta),
    "ElectraForSequenceClassification": Architecture(begin_electra),
    "AlbertForSequenceClassification": Architecture(begin_albert),
    "DistilBertForSequenceClassification": Architecture(begin_distilbert),
    "CLIPTextModelWithProjection": Architecture(begin_clip_text),
    "CLIPTextModel": Architecture(begin_clip_text),
    "SiglipTextModel": Architecture(begin_siglip_text),
}

MODEL_TYPES = {
    "clip": "CLIPModel",
    "clip_vision_model": "CLIPVisionModel",
    "clip_text_model": "CLIPTextModel",
    "siglip": "SiglipModel",
    "siglip_vision_model": "SiglipVisionModel",
    "siglip_text_model": "SiglipTextModel",
    "vit": "ViTModel",
    "deit": "DeiTModel",
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
"""The class to load where a configuration names none that is supported."""

UNSEEN = ("MPNet", "Deberta", "DebertaV2")
"""Families whose attention transformers writes out, so that no fused attention can be seen."""


def supported() -> str:
    """All supported classes, for messages."""
    return ", ".join([*PICTURES, *TEXTS])
