"""Pictures of any size: grids, and positional embeddings interpolated without writing to parameters."""

from __future__ import annotations

import copy

import torch.nn.functional as F
from torch import Tensor, nn


def fit_to_patches(pixels: Tensor, patch: tuple[int, int], native: tuple[int, int]) -> Tensor:
    """Pixels (batch, 3, H, W) whose sides the patches divide: resized (bilinear, antialiased) to the nearest multiple.

    The model's own size passes as it is, also where its patches leave a remainder (SigLIP so400m: 384 px, patch 14).
    """
    height, width = pixels.shape[-2:]
    if (height, width) == native or (height % patch[0] == 0 and width % patch[1] == 0):
        return pixels
    rows = max(1, round(height / patch[0])) * patch[0]
    columns = max(1, round(width / patch[1])) * patch[1]
    return F.interpolate(pixels.float(), (rows, columns), mode="bilinear", antialias=True).to(pixels.dtype)


def shadow(module: nn.Module) -> nn.Module:
    """A copy that shares every parameter and buffer: attributes set on the copy leave the original alone."""
    shared = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    return copy.deepcopy(module, memo=shared)
