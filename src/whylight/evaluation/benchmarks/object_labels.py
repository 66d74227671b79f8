"""Where an object is, at the model's input size: what maps of it are held against."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from whylight.evaluation.data.data_set import Mask


def mask_label(mask: Mask | None, size: tuple[int, int]) -> Tensor | None:
    """A mask by nearest neighbour at another size (height, width), int8; None where there is no mask, or nothing of the
    object is left of it."""
    if mask is None:
        return None
    image = Image.fromarray((mask + 1).astype(np.uint8)).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return unless_empty(torch.from_numpy(np.asarray(image).astype(np.int8) - np.int8(1)))


def unless_empty(label: Tensor) -> Tensor | None:
    """A label (height, width) that is 1 somewhere, else None."""
    return label if bool((label == 1).any()) else None
