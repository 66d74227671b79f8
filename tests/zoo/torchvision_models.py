"""Small random models of torchvision's VisionTransformer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer
from torchvision.models.vision_transformer import ConvStemConfig

from zoo.perturb import perturbed, pictures

SMALL = {"image_size": 32, "patch_size": 8, "num_layers": 3, "num_heads": 2, "hidden_dim": 24, "mlp_dim": 48}
STEM = [ConvStemConfig(8, 3, 2), ConvStemConfig(16, 3, 2), ConvStemConfig(24, 3, 2)]


def vit(**options: Any) -> Callable[[], tuple[nn.Module, Tensor]]:
    def build() -> tuple[nn.Module, Tensor]:
        torch.manual_seed(0)
        return perturbed(VisionTransformer(**SMALL | {"num_classes": 5} | options)), pictures()

    return build


def features() -> tuple[nn.Module, Tensor]:
    """As people take the head off."""
    model, inputs = vit()()
    model.heads = nn.Identity().eval()
    return model, inputs


TORCHVISION = {
    "torchvision ViT": vit(),
    "torchvision ViT, representation layer": vit(representation_size=16),
    "torchvision ViT, dropout": vit(dropout=0.1, attention_dropout=0.1),
    "torchvision ViT, convolutional stem": vit(conv_stem_configs=STEM),
    "torchvision ViT, features": features,
}
