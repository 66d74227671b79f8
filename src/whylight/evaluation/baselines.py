"""What any method must beat: the picture's centre, and noise. Both look at no model and are the same in every run."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor

BASELINES = ("centre", "random")


def baseline(name: str, grid: tuple[int, int], key: str) -> Tensor:
    """The map of a baseline: (grid rows, grid columns) float32.

    "centre" is a bell around the middle with a standard deviation of a quarter of each side. "random" is uniform noise
    per patch that follows from the key alone (the names of picture and target).
    """
    if name == "centre":
        y, x = ((torch.arange(n) + 0.5) / n - 0.5 for n in grid)
        return torch.exp(-8 * (y[:, None] ** 2 + x[None, :] ** 2))
    seed = hashlib.sha256(key.encode()).digest()[:8]
    noise = np.random.default_rng(int.from_bytes(seed, "little")).random(grid, dtype=np.float32)
    return torch.from_numpy(noise)
