"""An OpenCLIP model, or its picture tower alone, as a view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.openclip.vision import begin_vision_transformer, pooling_of
from whylight.models.pre_norm import PreNormBlock, openclip_blocks, timm_blocks
from whylight.models.preprocessing import Preprocessing
from whylight.models.timm import trunk as timm_trunk
from whylight.models.view import Inputs, Pass, View

Tokenizer = Callable[[list[str]], Tensor]


class OpenClipView(View):
    """A dual encoder of OpenCLIP (CLIP, CustomTextCLIP, CoCa), or one of its picture towers without text.

    Args:
        module: the model.
        tokenizer: list of prompts to token ids (prompts, context length); None where it is not known.
    """

    family = "openclip"

    def __init__(self, module: Any, tokenizer: Tokenizer | None = None, name: str = "OpenCLIP model") -> None:
        self.module = module
        self.name = name
        self.tokenizer = tokenizer
        self.visual = getattr(module, "visual", module)
        self.trunk = getattr(self.visual, "trunk", None)
        self.pooling = pooling_of(self.visual) if self.trunk is None else timm_trunk.pooling_of(self.trunk)
        self.classifies = False
        self.preprocessing = _preprocessing(self.visual)

    @property
    def parameter(self) -> Tensor:
        return self.visual.conv1.weight if self.trunk is None else next(self.trunk.parameters())

    @property
    def logit_scale(self) -> Tensor | float:
        scale = getattr(self.module, "logit_scale", None)
        return 1.0 if scale is None else scale.detach().exp()

    @property
    def logit_bias(self) -> Tensor | float:
        bias = getattr(self.module, "logit_bias", None)
        return 0.0 if bias is None else bias.detach()

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        if self.trunk is None:
            return openclip_blocks(self.visual.transformer.resblocks)
        return timm_blocks(self.trunk.blocks)

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        if self.trunk is None:
            return begin_vision_transformer(self.visual, inputs)
        return timm_trunk.begin_trunk(self.trunk, inputs, last=self.visual.head)

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        if not hasattr(self.module, "encode_text"):
            return super().encode_text(prompts)
        if self.tokenizer is None:
            raise BadInput(
                f"{self.name} does not say which tokenizer it was trained with: whylight.wrap(model, tokenizer=...)"
            )
        ids = self.tokenizer(list(prompts)).to(self.parameter.device)
        return F.normalize(self.module.encode_text(ids), dim=-1)

    def unknown_words(self, prompt: str) -> list[str]:
        unknown = getattr(self.tokenizer, "unknown_words", None)
        return unknown(prompt) if unknown else []


def _preprocessing(visual: Any) -> Preprocessing:
    config = dict(getattr(visual, "preprocess_cfg", {}))
    size = config.get("size") or visual.image_size
    fit = {"shortest": "crop", "squash": "squash", "longest": "pad"}[config.get("resize_mode") or "shortest"]
    return Preprocessing(
        size=(size, size) if isinstance(size, int) else tuple(size),
        mean=tuple(config.get("mean") or (0.48145466, 0.4578275, 0.40821073)),
        std=tuple(config.get("std") or (0.26862954, 0.26130258, 0.27577711)),
        interpolation=config.get("interpolation") or "bicubic",
        fit=fit,  # type: ignore[arg-type]
    )
