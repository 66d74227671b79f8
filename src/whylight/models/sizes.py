"""Pictures of any size, without writing to the model."""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fit_to_patches(pixels: Tensor, patch: tuple[int, int], native: tuple[int, int] | None) -> Tensor:
    """Pixels (batch, 3, H, W) whose sides the patches divide: resized (bilinear, antialiased) to the nearest multiple.

    The model's own size passes as it is, also where its patches leave a remainder (SigLIP so400m: 384 px, patch 14).
    """
    height, width = pixels.shape[-2:]
    if (height, width) == native or (height % patch[0] == 0 and width % patch[1] == 0):
        return pixels
    rows = max(1, round(height / patch[0])) * patch[0]
    columns = max(1, round(width / patch[1])) * patch[1]
    precise = pixels.to(torch.promote_types(pixels.dtype, torch.float32))
    return F.interpolate(precise, (rows, columns), mode="bilinear", antialias=True).to(pixels.dtype)


def shadow(module: nn.Module) -> Any:
    """A copy that shares every parameter and hook: what is set on the copy leaves the original alone.

    Buffers are copied: timm writes to some in place when it resizes a model (rotary frequencies, BEiT's key bias).
    """
    shared: dict[int, Any] = {id(parameter): parameter for parameter in module.parameters()}
    for part in module.modules():
        shared.update({id(value): value for name, value in vars(part).items() if name.endswith("_hooks")})
    return copy.deepcopy(module, memo=shared)
