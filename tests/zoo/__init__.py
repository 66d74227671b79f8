"""Small random models of every supported kind.

``ZOO[kind]()`` builds a float64 model in evaluation mode, every parameter perturbed, and two pictures for it.
"""

from __future__ import annotations

from torch import Tensor, nn

from zoo.openclip_models import OPENCLIP, Built
from zoo.timm_models import TIMM
from zoo.torchvision_models import TORCHVISION

ZOO = OPENCLIP | TIMM | TORCHVISION


def own_output(module: nn.Module, pixels: Tensor) -> Tensor:
    """What the model itself says, (batch, dim), unnormalised; (batch, tokens, dim) where it pools nothing."""
    dual = hasattr(module, "encode_image")
    output = module.encode_image(pixels, normalize=False) if dual else module(pixels)
    return output[0] if isinstance(output, tuple) else output


__all__ = ["OPENCLIP", "TIMM", "TORCHVISION", "ZOO", "Built", "own_output"]
