"""A timm model as a view."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.failures import read_from_configuration
from whylight.models.heads import outputs_of
from whylight.models.pre_norm import PreNormBlock, pre_norm_blocks
from whylight.models.preprocessing import Fit, Preprocessing
from whylight.models.timm.classes import class_names
from whylight.models.timm.pre_norm import parts_of
from whylight.models.timm.supported import check_trunk
from whylight.models.timm.swin import begin_swin, cell_of, is_swin
from whylight.models.timm.trunk import begin_trunk, patch_of, pooling_of, size_of
from whylight.models.view import Inputs, Pass, View


class TimmView(View):
    """A vision transformer or Swin of timm: a classifier, or features where it has no classes (``num_classes=0``).

    Raises:
        UnsupportedModel: for architectures without one constant grid of patch tokens.
    """

    family = "timm"

    def __init__(self, module: Any, name: str | None = None) -> None:
        self.trunk = module
        self.module = module
        self.name = name or _name(module)
        check_trunk(module, self.name)
        self.windowed = is_swin(module)
        self.pooling = "mean" if self.windowed else pooling_of(module)
        self.classifies = outputs_of(getattr(module, "head", None), module.num_classes) > 0
        with read_from_configuration(self.name, "its preprocessing"):
            self.preprocessing = preprocessing_from(module)

    @property
    def parameter(self) -> Tensor:
        parameter: Tensor = next(self.trunk.patch_embed.parameters())
        return parameter

    @property
    def channels(self) -> int:
        return int(self.parameter.shape[1])

    @property
    def class_count(self) -> int | None:
        return outputs_of(self.trunk.head, self.trunk.num_classes) if self.classifies else None

    @property
    def class_names(self) -> list[str] | None:
        count = self.class_count
        return None if count is None else class_names(self.trunk, count)

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        return None if self.windowed else pre_norm_blocks(self.trunk.blocks, parts_of)

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        return begin_swin(self.trunk, inputs) if self.windowed else begin_trunk(self.trunk, inputs)


def _name(module: Any) -> str:
    config = getattr(module, "pretrained_cfg", None) or {}
    return str(config.get("architecture") or f"timm {type(module).__name__}")


def preprocessing_from(module: Any, told: dict[str, Any] | None = None) -> Preprocessing:
    """What the model was trained with.

    Args:
        told: a ``pretrained_cfg``; default: the model's own.
    """
    from timm.data import resolve_data_config, resolve_model_data_config

    config = resolve_model_data_config(module) if told is None else resolve_data_config(pretrained_cfg=told)
    fits: dict[str, Fit] = {"squash": "squash", "border": "pad"}
    gray = [round(255 * channel) for channel in config["mean"]]
    red, green, blue = gray * 3 if len(gray) == 1 else gray
    return Preprocessing(
        size=size_of(module),
        channels=next(module.patch_embed.parameters()).shape[1],
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        fit=fits.get(config["crop_mode"], "crop"),
        crop_fraction=config["crop_pct"],
        fill=(red, green, blue),
        patch=cell_of(module) if is_swin(module) else patch_of(module),
    )
