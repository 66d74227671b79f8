"""Small random models of every supported kind in transformers, all parameters perturbed, float64, with inputs.

``PICTURES`` and ``TEXTS`` map a name to a callable that returns (module, inputs): pixels (2, 3, H, W), or a mapping of
input_ids and attention_mask (2, tokens) whose second text is padded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from whylight.attention import record_attention
from whylight.models.transformers.answering.releases import OLD
from zoo.perturb import made_in_float64

Built = tuple[Any, Any]

CLIP_VISION = {
    "hidden_size": 24,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": 32,
    "patch_size": 8,
    "projection_dim": 16,
}
CLIP_TEXT = {
    "vocab_size": 40,
    "hidden_size": 24,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "max_position_embeddings": 12,
    "projection_dim": 16,
    "bos_token_id": 37,
    "eos_token_id": 38,
    "pad_token_id": 38,
}
SIGLIP_TEXT = {key: CLIP_TEXT[key] for key in list(CLIP_TEXT)[:6]} | {"projection_size": 24, "pad_token_id": 1}
VIT = {key: CLIP_VISION[key] for key in list(CLIP_VISION)[:6]} | {"num_labels": 5}
BERT = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 48,
    "max_position_embeddings": 20,
    "num_labels": 3,
    "pad_token_id": 0,
}
MODERNBERT = BERT | {"local_attention": 4, "global_attn_every_n_layers": 2}
MODERNBERT |= {"bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}
"""Its second layer sees two tokens to either side."""
DISTILBERT = {
    "vocab_size": 50,
    "dim": 24,
    "hidden_dim": 48,
    "n_layers": 2,
    "n_heads": 3,
    "max_position_embeddings": 20,
    "num_labels": 3,
}


def perturbed(module: nn.Module) -> nn.Module:
    """Random parameters everywhere, so that biases, class tokens and layer scale matter; float64, evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return module


def pixels(height: int = 32, width: int = 32, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def text_inputs(vocabulary: int = 37, end: int | None = None, pad: int = 0) -> dict[str, Tensor]:
    """Two texts of 7 and 4 tokens, the second padded; ``end`` closes each."""
    ids = torch.randint(3, vocabulary, (2, 7), generator=torch.Generator().manual_seed(3))
    mask = torch.ones_like(ids)
    ids[1, 4:], mask[1, 4:] = pad, 0
    if end is not None:
        ids[0, 6] = ids[1, 3] = end
    return {"input_ids": ids, "attention_mask": mask}


def build(name: str, config: Any) -> nn.Module:
    torch.manual_seed(0)
    kind = getattr(transformers, name)
    if kind._supports_sdpa:
        config._attn_implementation = "sdpa"
    return perturbed(kind(config))


def clip_config(**changes: Any) -> Any:
    return transformers.CLIPConfig(
        text_config=CLIP_TEXT | changes.pop("text", {}), vision_config=CLIP_VISION, projection_dim=16, **changes
    )


def siglip_config(**changes: Any) -> Any:
    return transformers.SiglipConfig(text_config=SIGLIP_TEXT, vision_config=CLIP_VISION, **changes)


def dual_config(kind: str, **changes: Any) -> Any:
    """Of CLIP's kin: text and picture configurations beside each other."""
    text = CLIP_TEXT | changes.pop("text", {})
    vision = CLIP_VISION | changes.pop("vision", {})
    return getattr(transformers, kind)(text_config=text, vision_config=vision, projection_dim=16, **changes)


def siglip2_config(**changes: Any) -> Any:
    vision = {key: value for key, value in CLIP_VISION.items() if key != "image_size"} | {"num_patches": 16}
    return transformers.Siglip2Config(text_config=SIGLIP_TEXT, vision_config=vision, **changes)


def deberta_config(kind: str, **changes: Any) -> Any:
    relative = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "max_relative_positions": 6}
    return getattr(transformers, f"{kind}Config")(**BERT | relative | changes)


def _picture(name: str, config: Callable[[], Any]) -> Callable[[], Built]:
    return lambda: (build(name, config()), pixels())


def _text(name: str, config: Callable[[], Any], **inputs: Any) -> Callable[[], Built]:
    return lambda: (build(name, config()), text_inputs(**inputs))


def _vision(kind: str) -> Callable[[], Any]:
    return lambda: getattr(transformers, kind)(**CLIP_VISION)


def _vit(kind: str, **changes: Any) -> Callable[[], Any]:
    return lambda: getattr(transformers, kind)(**VIT | changes)


PICTURES: dict[str, Callable[[], Built]] = {
    "clip": _picture("CLIPModel", clip_config),
    "clip_projection": _picture("CLIPVisionModelWithProjection", _vision("CLIPVisionConfig")),
    "clip_vision": _picture("CLIPVisionModel", _vision("CLIPVisionConfig")),
    "clip_classifier": _picture("CLIPForImageClassification", lambda: clip_config(num_labels=5)),
    "siglip": _picture("SiglipModel", siglip_config),
    "siglip_vision": _picture("SiglipVisionModel", _vision("SiglipVisionConfig")),
    "siglip_classifier": _picture("SiglipForImageClassification", lambda: siglip_config(num_labels=5)),
    "siglip2": _picture("Siglip2Model", siglip2_config),
    "siglip2_vision": _picture("Siglip2VisionModel", lambda: siglip2_config().vision_config),
    "siglip2_classifier": _picture("Siglip2ForImageClassification", lambda: siglip2_config(num_labels=5)),
    "metaclip2": _picture("MetaClip2Model", lambda: dual_config("MetaClip2Config")),
    "metaclip2_classifier": _picture(
        "MetaClip2ForImageClassification", lambda: dual_config("MetaClip2Config", num_labels=5)
    ),
    "clipseg": _picture("CLIPSegModel", lambda: dual_config("CLIPSegConfig")),
    "clipseg_vision": _picture("CLIPSegVisionModel", _vision("CLIPSegVisionConfig")),
    "owlvit": _picture("OwlViTModel", lambda: dual_config("OwlViTConfig")),
    "owlv2_vision": _picture("Owlv2VisionModel", _vision("Owlv2VisionConfig")),
    "vit_classifier": _picture("ViTForImageClassification", _vit("ViTConfig")),
    "vit": _picture("ViTModel", _vit("ViTConfig")),
    "deit_classifier": _picture("DeiTForImageClassification", _vit("DeiTConfig")),
    "deit_teacher": _picture("DeiTForImageClassificationWithTeacher", _vit("DeiTConfig")),
    "deit": _picture("DeiTModel", _vit("DeiTConfig")),
    "dinov2_classifier": _picture("Dinov2ForImageClassification", _vit("Dinov2Config")),
    "dinov2": _picture("Dinov2Model", _vit("Dinov2Config", use_swiglu_ffn=True)),
    "dinov2_registers_classifier": _picture(
        "Dinov2WithRegistersForImageClassification", _vit("Dinov2WithRegistersConfig", num_register_tokens=3)
    ),
    "dinov2_registers": _picture("Dinov2WithRegistersModel", _vit("Dinov2WithRegistersConfig", num_register_tokens=3)),
    "dinov3": _picture("DINOv3ViTModel", _vit("DINOv3ViTConfig", num_register_tokens=2)),
}

if OLD:  # transformers 4 writes their attention out
    PICTURES = {name: build for name, build in PICTURES.items() if not name.startswith(("clipseg", "owl"))}

TEXTS: dict[str, Callable[[], Built]] = {
    "bert": _text("BertForSequenceClassification", lambda: transformers.BertConfig(**BERT)),
    "roberta": _text(
        "RobertaForSequenceClassification", lambda: transformers.RobertaConfig(**BERT | {"pad_token_id": 1}), pad=1
    ),
    "xlm_roberta": _text(
        "XLMRobertaForSequenceClassification",
        lambda: transformers.XLMRobertaConfig(**BERT | {"pad_token_id": 1}),
        pad=1,
    ),
    "camembert": _text(
        "CamembertForSequenceClassification", lambda: transformers.CamembertConfig(**BERT | {"pad_token_id": 1}), pad=1
    ),
    "electra": _text(
        "ElectraForSequenceClassification", lambda: transformers.ElectraConfig(**BERT | {"embedding_size": 16})
    ),
    "albert": _text(
        "AlbertForSequenceClassification",
        lambda: transformers.AlbertConfig(**BERT | {"embedding_size": 16, "num_hidden_groups": 2}),
    ),
    "distilbert": _text("DistilBertForSequenceClassification", lambda: transformers.DistilBertConfig(**DISTILBERT)),
    "modernbert": _text("ModernBertForSequenceClassification", lambda: transformers.ModernBertConfig(**MODERNBERT)),
    "modernbert_mean": _text(
        "ModernBertForSequenceClassification",
        lambda: transformers.ModernBertConfig(**MODERNBERT | {"classifier_pooling": "mean"}),
    ),
    "deberta": _text("DebertaForSequenceClassification", lambda: deberta_config("Deberta")),
    "deberta_v2": _text(
        "DebertaV2ForSequenceClassification",
        lambda: deberta_config("DebertaV2", conv_kernel_size=3, conv_act="gelu", position_biased_input=True),
    ),
    "deberta_v3": _text(
        "DebertaV2ForSequenceClassification",
        lambda: deberta_config(
            "DebertaV2", position_buckets=4, share_att_key=True, norm_rel_ebd="layer_norm", position_biased_input=False
        ),
    ),
    "mpnet": _text(
        "MPNetForSequenceClassification", lambda: transformers.MPNetConfig(**BERT | {"pad_token_id": 1}), pad=1
    ),
    "metaclip2_text": _text(
        "MetaClip2TextModelWithProjection",
        lambda: transformers.MetaClip2TextConfig(**CLIP_TEXT | {"eos_token_id": 2, "pad_token_id": 1}),
        end=2,
        pad=1,
    ),
    "owl_text": _text("OwlViTTextModel", lambda: transformers.OwlViTTextConfig(**CLIP_TEXT), end=39, pad=0),
    "siglip2_text": _text("Siglip2TextModel", lambda: transformers.Siglip2TextConfig(**SIGLIP_TEXT), pad=1),
    "clip_text": _text("CLIPTextModelWithProjection", lambda: transformers.CLIPTextConfig(**CLIP_TEXT), end=38, pad=38),
    "clip_text_old_end": _text(
        "CLIPTextModel", lambda: transformers.CLIPTextConfig(**CLIP_TEXT | {"eos_token_id": 2}), end=39, pad=0
    ),
    "siglip_text": _text("SiglipTextModel", lambda: transformers.SiglipTextConfig(**SIGLIP_TEXT), pad=1),
}


if OLD:
    del TEXTS["owl_text"], TEXTS["electra"]


in_its_type = made_in_float64 if OLD else nullcontext
"""transformers 4 makes CLIP's causal masks in torch's default type, which does not hold float64's least number."""


def own_output(module: Any, inputs: Any, resized: bool = False) -> Tensor:
    """The module's own output: embedding or features, or logits; ``resized`` asks for interpolated positions."""
    sizeless = ("dino", "siglip2")
    any_size = any(name in type(module).__name__.lower() for name in sizeless)
    interpolate = {"interpolate_pos_encoding": True} if resized and not any_size else {}
    with in_its_type():
        return _own_output(module, inputs, interpolate)


def _own_output(module: Any, inputs: Any, interpolate: dict[str, bool]) -> Tensor:
    if isinstance(inputs, Tensor):
        features = getattr(module, "get_image_features", module)
        given = naflex_inputs(list(inputs)) if "Siglip2" in type(module).__name__ else {"pixel_values": inputs}
        output = features(**given, **interpolate)
    else:
        output = getattr(module, "get_text_features", module)(**inputs)
    if isinstance(output, Tensor):
        return output
    fields = ("logits", "image_embeds", "text_embeds", "pooler_output")
    return next(output[field] for field in fields if output.get(field) is not None)


def naflex_inputs(pictures: list[Tensor], side: int = 8, longest: int = 40) -> dict[str, Tensor]:
    """Pictures (3, H, W), each of its own size, as NaFlex processors hand them over: cut, padded, masked."""
    kind = "image_processing_siglip2_fast" if OLD else "image_processing_siglip2"
    convert = import_module(f"transformers.models.siglip2.{kind}").convert_image_to_patches
    cut = [convert(picture, side) for picture in pictures]
    padded = [torch.nn.functional.pad(patches, (0, 0, 0, longest - len(patches))) for patches in cut]
    return {
        "pixel_values": torch.stack(padded),
        "pixel_attention_mask": torch.tensor([[int(n < len(patches)) for n in range(longest)] for patches in cut]),
        "spatial_shapes": torch.tensor([[size // side for size in picture.shape[1:]] for picture in pictures]),
    }


def targets_for(view: Any, dim: int, classes: list[int]) -> list[int] | Tensor:
    """The classes for a classifier; two random embeddings of this dimension for any other model."""
    if view.classifies:
        return classes
    return torch.randn(2, dim, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def check_driven_forward(view: Any, inputs: Any, attentions: int) -> None:
    """The view's output is the module's own, recorded or not, and so many attention calls are recorded."""
    with torch.no_grad():
        own = own_output(view.module, inputs)
        assert (view.output(inputs) - own).abs().max() < 1e-10
        with record_attention() as calls:
            recorded = view.output(inputs)
    assert (recorded - own).abs().max() < 1e-12
    assert len(calls) == attentions
