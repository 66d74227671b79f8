"""An OpenCLIP model, or its picture tower alone, as a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.cut_prompts import warn_of_cuts
from whylight.models.failures import read_from_configuration
from whylight.models.known_tokenizer import known_tokenizer
from whylight.models.openclip.hf_text import HFTextView, is_hf_text_tower
from whylight.models.openclip.pre_norm import parts_of
from whylight.models.openclip.text import OpenClipTextView
from whylight.models.openclip.tokenizer import Tokenizer, infer_tokenizer
from whylight.models.openclip.vision import batch_first, begin_vision_transformer, pooling_of
from whylight.models.pre_norm import PreNormBlock, pre_norm_blocks
from whylight.models.preprocessing import Fit, Preprocessing
from whylight.models.timm import pre_norm as timm_pre_norm
from whylight.models.timm import trunk as timm_trunk
from whylight.models.timm.supported import check_trunk
from whylight.models.timm.swin import is_swin
from whylight.models.view import Inputs, Pass, View


class OpenClipView(View):
    """A dual encoder of OpenCLIP (CLIP, CustomTextCLIP, CoCa), or one of its picture towers without text.

    Args:
        module: the model.
        tokenizer: list of prompts to token ids (prompts, context length). Default: CLIP's own where the size of the
            vocabulary is CLIP's, otherwise unknown.

    Raises:
        UnsupportedModel: the picture tower is no vision transformer that can be driven (ResNet, ConvNeXt, ...).
    """

    family = "openclip"

    def __init__(self, module: Any, tokenizer: Tokenizer | None = None, name: str | None = None) -> None:
        self.model = module
        self.module = module
        self.name = name or f"OpenCLIP {type(module).__name__}"
        self.tokenizer = tokenizer or infer_tokenizer(module)
        self.visual = getattr(module, "visual", module)
        self.trunk = getattr(self.visual, "trunk", None)
        if self.trunk is None:
            _check_vision_transformer(self.visual, self.name)
        else:
            check_trunk(self.trunk, self.name)
            if is_swin(self.trunk):
                raise UnsupportedModel(
                    f"{self.name}: its picture tower is a Swin, which attends in windows: wrap the tower alone, "
                    ".visual.trunk, for GradCAM and gradients of the input"
                )
        self.pooling = pooling_of(self.visual) if self.trunk is None else timm_trunk.pooling_of(self.trunk)
        self.classifies = False
        with read_from_configuration(self.name, "its preprocessing"):
            self.preprocessing = _preprocessing(self.visual, self.trunk)

    @property
    def parameter(self) -> Tensor:
        stem = self.visual.conv1 if self.trunk is None else self.trunk.patch_embed
        parameter: Tensor = next(stem.parameters())
        return parameter

    @property
    def channels(self) -> int:
        return int(self.parameter.shape[1])

    @property
    def logit_scale(self) -> Tensor | float:
        scale: Tensor | None = getattr(self.module, "logit_scale", None)
        return 1.0 if scale is None else scale.detach().exp()

    @property
    def logit_bias(self) -> Tensor | float:
        bias: Tensor | None = getattr(self.module, "logit_bias", None)
        return 0.0 if bias is None else bias.detach()

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        if self.trunk is not None:
            return pre_norm_blocks(self.trunk.blocks, timm_pre_norm.parts_of)
        return pre_norm_blocks(self.visual.transformer.resblocks, parts_of) if batch_first(self.visual) else None

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        if self.trunk is None:
            return begin_vision_transformer(self.visual, inputs)
        return timm_trunk.begin_trunk(self.trunk, inputs, last=self.visual.head)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        if not hasattr(self.module, "encode_text"):
            return super().encode_text(prompts)
        tokenizer = known_tokenizer(self.tokenizer, self.name)
        # Outside inference mode, so that gradients of a score against these embeddings can be asked for.
        with torch.inference_mode(False), torch.no_grad():
            ids = tokenizer(list(prompts)).to(self.parameter.device)
            warn_of_cuts(self.name, prompts, tokenizer, ids.shape[1])
            return F.normalize(self.model.encode_text(ids), dim=-1)

    @property
    def text(self) -> View:
        if not hasattr(self.module, "encode_text"):
            return super().text
        kind = HFTextView if is_hf_text_tower(getattr(self.module, "text", None)) else OpenClipTextView
        return kind(self.module, self.tokenizer, f"{self.name} (text)")

    def unknown_words(self, prompt: str) -> list[str]:
        unknown = getattr(self.tokenizer, "unknown_words", None)
        return unknown(prompt) if unknown else []


def _check_vision_transformer(visual: Any, name: str) -> None:
    if not hasattr(visual, "transformer") or not hasattr(visual, "class_embedding"):
        raise UnsupportedModel(
            f"{name}: its picture tower is a {type(visual).__name__}; OpenCLIP models with a vision transformer are "
            'supported (whylight.load("openclip:ViT-B-16/laion2b_s34b_b88k"), SigLIP, CoCa, EVA02-CLIP, ...)'
        )
    if getattr(visual, "attn_pool_type", "") == "cascade":
        raise UnsupportedModel(f"{name}: of two poolers in a cascade, none reads the tokens for the embedding")


def _preprocessing(visual: Any, trunk: Any) -> Preprocessing:
    """From what OpenCLIP notes on the tower; OpenAI's constants where it is silent, as OpenCLIP does."""
    config = dict(getattr(visual, "preprocess_cfg", None) or {})
    fits: dict[str, Fit] = {"shortest": "crop", "squash": "squash", "longest": "pad"}
    fit = fits[config.get("resize_mode") or "shortest"]
    size = config.get("size") or visual.image_size
    height, width = (size, size) if isinstance(size, int) else size
    # OpenCLIP crops to a shape that is not square with bicubic interpolation, whatever the configuration says.
    bilinear = config.get("interpolation") == "bilinear" and (fit != "crop" or height == width)
    fill = int(config.get("fill_color") or 0)
    return Preprocessing(
        size=(height, width),
        mean=tuple(config.get("mean") or getattr(visual, "image_mean", None) or (0.48145466, 0.4578275, 0.40821073)),
        std=tuple(config.get("std") or getattr(visual, "image_std", None) or (0.26862954, 0.26130258, 0.27577711)),
        interpolation="bilinear" if bilinear else "bicubic",
        fit=fit,
        fill=(fill, fill, fill),
        patch=tuple(visual.patch_size) if trunk is None else timm_trunk.patch_of(trunk),
    )
