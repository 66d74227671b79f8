"""The patch grid of a picture in a transformers vision tower."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from whylight.models.sizes import fit_to_patches


def fit_to_grid(pixels: Tensor, config: Any) -> tuple[Tensor, tuple[int, int], bool]:
    """Pixels whose sides the patches divide, their grid, and whether the positions must be interpolated for it.

    Args:
        pixels: (batch, 3, H, W).
        config: the tower's configuration, with ``image_size`` and ``patch_size``.
    """
    native, patch = pair(config.image_size), pair(config.patch_size)
    pixels = fit_to_patches(pixels, patch, native)
    size = (pixels.shape[-2], pixels.shape[-1])
    return pixels, (size[0] // patch[0], size[1] // patch[1]), size != native


def grid_of(config: Any) -> tuple[int, int]:
    """(rows, columns) of patches at a tower's own size."""
    size, patch = pair(config.image_size), pair(config.patch_size)
    return size[0] // patch[0], size[1] // patch[1]


def cell_of(config: Any) -> tuple[int, int]:
    """(height, width) in pixels of what a token of the last block stands for: a patch, or those that Swin merged."""
    rows, columns = pair(config.patch_size)
    merged = 2 ** (len(config.depths) - 1) if hasattr(config, "depths") else 1
    return rows * merged, columns * merged


def pair(size: Any) -> tuple[int, int]:
    """(height, width) of a configuration's size, which may be one number."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])
