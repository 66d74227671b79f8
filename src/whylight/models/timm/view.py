"""A timm model as a view."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.pre_norm import PreNormBlock, timm_blocks
from whylight.models.preprocessing import Preprocessing
from whylight.models.timm.trunk import begin_trunk, pooling_of
from whylight.models.view import Inputs, Pass, View


class TimmView(View):
    """A vision transformer of timm: a classifier, or features where it has no classes."""

    family = "timm"

    def __init__(self, module: Any, name: str = "timm model") -> None:
        self.module = module
        self.name = name
        self.pooling = pooling_of(module)
        self.classifies = module.num_classes > 0
        self.preprocessing = _preprocessing(module)

    @property
    def class_count(self) -> int | None:
        return self.module.num_classes if self.classifies else None

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        return timm_blocks(self.module.blocks)

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        return begin_trunk(self.module, inputs)


def _preprocessing(module: Any) -> Preprocessing:
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(module)
    return Preprocessing(
        size=tuple(config["input_size"][-2:]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        interpolation=config["interpolation"],
        fit="squash" if config.get("crop_mode") == "squash" else "crop",
        crop_fraction=config["crop_pct"],
    )
