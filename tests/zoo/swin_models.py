"""Small random Swin models of timm and transformers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import timm
import torch
import transformers
from torch import Tensor, nn

from zoo.perturb import perturbed, pictures

SMALL = {"img_size": 32, "patch_size": 4, "embed_dim": 12, "depths": (2, 2), "num_heads": (2, 3), "window_size": 4}


def of_timm(**options: Any) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    return perturbed(timm.models.SwinTransformer(**SMALL | {"num_classes": 5} | options)), pictures()


def of_transformers(kind: str = "SwinForImageClassification", **options: Any) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    config = transformers.SwinConfig(
        image_size=32,
        patch_size=4,
        embed_dim=12,
        depths=[2, 2],
        num_heads=[2, 3],
        window_size=4,
        num_labels=5,
        **options,
    )
    return perturbed(getattr(transformers, kind)(config)), pictures()


SWIN: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {
    "timm": of_timm,
    "timm, no pooling": lambda: of_timm(num_classes=0, global_pool=""),
    "timm, any size": lambda: of_timm(dynamic_img_size=True),
    "transformers": of_transformers,
    "transformers features": lambda: of_transformers("SwinModel"),
    "transformers absolute positions": lambda: of_transformers(use_absolute_embeddings=True),
}


def own_output(module: Any, pixels: Tensor) -> Tensor:
    output = module(pixels)
    if isinstance(output, Tensor):
        return output.mean((1, 2)) if output.dim() == 4 else output
    logits = output.get("logits")
    return output.pooler_output if logits is None else logits
