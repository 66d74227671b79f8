"""The classes of transformers that Whylight can drive: how each begins, pools and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whylight.models.transformers.bert import begin_albert, begin_bert, begin_distilbert, begin_electra, begin_roberta
from whylight.models.transformers.clip import begin_clip_text, begin_clip_vision, begin_metaclip_text, begin_owl_text
from whylight.models.transformers.dino import begin_dinov2, begin_dinov3
from whylight.models.transformers.modernbert import begin_modernbert
from whylight.models.transformers.position_biases import begin_deberta, begin_mpnet
from whylight.models.transformers.siglip import begin_siglip2_vision, begin_siglip_text, begin_siglip_vision
from whylight.models.transformers.swin import begin_swin
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
        written_out: transformers writes its attention out, and ``begin`` drives it through the fused function.
        windowed: it attends in windows and merges its patches on the way.
    """

    begin: Begin
    pooling: Pooling = "class_token"
    text: Begin | None = None
    written_out: bool = False
    windowed: bool = False


PICTURES = {
    "CLIPModel": Architecture(begin_clip_vision, text=begin_clip_text),
    "CLIPVisionModelWithProjection": Architecture(begin_clip_vision),
    "CLIPVisionModel": Architecture(begin_clip_vision),
    "CLIPForImageClassification": Architecture(begin_clip_vision, "mean"),
    "SiglipModel": Architecture(begin_siglip_vision, "attention", text=begin_siglip_text),
    "SiglipVisionModel": Architecture(begin_siglip_vision, "attention"),
    "SiglipForImageClassification": Architecture(begin_siglip_vision, "mean"),
    "OwlViTModel": Architecture(begin_clip_vision, text=begin_owl_text),
    "OwlViTVisionModel": Architecture(begin_clip_vision),
    "Owlv2Model": Architecture(begin_clip_vision, text=begin_owl_text),
    "Owlv2VisionModel": Architecture(begin_clip_vision),
    "SwinForImageClassification": Architecture(begin_swin, "mean", windowed=True),
    "SwinModel": Architecture(begin_swin, "mean", windowed=True),
    "Siglip2Model": Architecture(begin_siglip2_vision, "attention", text=begin_siglip_text),
    "Siglip2VisionModel": Architecture(begin_siglip2_vision, "attention"),
    "Siglip2ForImageClassification": Architecture(begin_siglip2_vision, "mean"),
    "MetaClip2Model": Architecture(begin_clip_vision, text=begin_metaclip_text),
    "MetaClip2VisionModelWithProjection": Architecture(begin_clip_vision),
    "MetaClip2VisionModel": Architecture(begin_clip_vision),
    "MetaClip2ForImageClassification": Architecture(begin_clip_vision, "mean"),
    "CLIPSegModel": Architecture(begin_clip_vision, text=begin_clip_text),
    "CLIPSegVisionModel": Architecture(begin_clip_vision),
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
    "ModernBertForSequenceClassification": Architecture(begin_modernbert),
    "DebertaForSequenceClassification": Architecture(begin_deberta, written_out=True),
    "DebertaV2ForSequenceClassification": Architecture(begin_deberta, written_out=True),
    "MPNetForSequenceClassification": Architecture(begin_mpnet, written_out=True),
    "CLIPTextModelWithProjection": Architecture(begin_clip_text),
    "CLIPTextModel": Architecture(begin_clip_text),
    "SiglipTextModel": Architecture(begin_siglip_text),
    "Siglip2TextModel": Architecture(begin_siglip_text),
    "MetaClip2TextModelWithProjection": Architecture(begin_metaclip_text),
    "MetaClip2TextModel": Architecture(begin_metaclip_text),
    "CLIPSegTextModel": Architecture(begin_clip_text),
    "OwlViTTextModel": Architecture(begin_owl_text),
    "Owlv2TextModel": Architecture(begin_owl_text),
}

MODEL_TYPES = {
    "clip": "CLIPModel",
    "clip_vision_model": "CLIPVisionModel",
    "clip_text_model": "CLIPTextModel",
    "siglip": "SiglipModel",
    "siglip_vision_model": "SiglipVisionModel",
    "siglip_text_model": "SiglipTextModel",
    "siglip2": "Siglip2Model",
    "siglip2_vision_model": "Siglip2VisionModel",
    "siglip2_text_model": "Siglip2TextModel",
    "metaclip_2": "MetaClip2Model",
    "metaclip_2_vision_model": "MetaClip2VisionModel",
    "metaclip_2_text_model": "MetaClip2TextModel",
    "owlvit": "OwlViTModel",
    "owlv2": "Owlv2Model",
    "swin": "SwinModel",
    "vit": "ViTModel",
    "deit": "DeiTModel",
    "dinov2": "Dinov2Model",
    "dinov2_with_registers": "Dinov2WithRegistersModel",
    "dinov3_vit": "DINOv3ViTModel",
}
"""The class to load where a configuration names none that is supported."""


def supported() -> str:
    """All supported classes, for messages."""
    return ", ".join([*PICTURES, *TEXTS])
