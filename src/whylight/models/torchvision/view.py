"""A torchvision model as a view."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.models.heads import outputs_of
from whylight.models.inside import part_that_works
from whylight.models.pre_norm import PreNormBlock, pre_norm_blocks
from whylight.models.preprocessing import Preprocessing
from whylight.models.reasons import why_not
from whylight.models.torchvision.vit import begin_vit, parts_of
from whylight.models.view import Inputs, Pass, View

IMAGENET = 1000


class TorchvisionView(View):
    """torchvision's VisionTransformer (``vit_b_16`` ... ``vit_h_14``), a classifier.

    Pictures are prepared as its ImageNet weights want them at the model's size: bilinear, the shorter side to 256 of
    224 (or, at other sizes, to the size itself). ``view.preprocessing`` may be set.

    Args:
        preprocessing: what else its weights want.

    Raises:
        UnsupportedModel: another architecture of torchvision.
    """

    family = "torchvision"
    pooling = "class_token"

    def __init__(self, module: Any, name: str | None = None, preprocessing: Preprocessing | None = None) -> None:
        self.module = module
        self.name = name or f"torchvision {type(module).__name__}"
        if not any(kind.__name__ == "VisionTransformer" for kind in type(module).__mro__):
            raise refusal(self.name, type(module).__module__, part_that_works(module))
        size = module.image_size
        self.preprocessing = preprocessing or Preprocessing(
            size=(size, size),
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            interpolation="bilinear" if size == 224 else "bicubic",
            crop_fraction=0.875 if size == 224 else 1.0,
            patch=(module.patch_size, module.patch_size),
        )
        self.classifies = outputs_of(module.heads, module.num_classes) > 0

    @property
    def class_count(self) -> int | None:
        return outputs_of(self.module.heads, self.module.num_classes) if self.classifies else None  # type: ignore[arg-type]

    @property
    def class_names(self) -> list[str] | None:
        """ImageNet's, in torchvision's words, where there are a thousand."""
        if self.class_count != IMAGENET:
            return None
        from torchvision.models._meta import _IMAGENET_CATEGORIES

        return list(_IMAGENET_CATEGORIES)

    def pre_norm_blocks(self) -> list[PreNormBlock] | None:
        return pre_norm_blocks(self.module.encoder.layers, parts_of)  # type: ignore[union-attr, arg-type]

    def begin(self, inputs: Inputs) -> Pass:
        if not isinstance(inputs, Tensor):
            raise BadInput(f"{self.name} takes pixels (batch, 3, H, W)")
        return begin_vit(self.module, inputs)


def refusal(name: str, file: str, part: str = "") -> UnsupportedModel:
    """Of another architecture of torchvision.

    Args:
        file: the module of torchvision that it stands in.
        part: what of it works, as :func:`whylight.models.inside.part_that_works` says it.
    """
    reason = why_not(file) or "has no constant grid of tokens from block to block"
    return UnsupportedModel(
        f"{name} is not supported: it {reason}{part}. "
        "Of torchvision there is VisionTransformer (vit_b_16, vit_b_32, vit_l_16, vit_l_32, vit_h_14)"
    )
