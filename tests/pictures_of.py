"""An explanation of a plain picture with random relevance, without a model."""

from __future__ import annotations

import torch
from PIL import Image

from whylight.models.preprocessing import Frame
from whylight.pictures.explanation import Explanation


def explanation(names: list[str], size: tuple[int, int] = (60, 40), method: str = "legrad") -> Explanation:
    values = torch.rand(len(names), 4, 4, generator=torch.Generator().manual_seed(0))
    width, height = size
    return Explanation(
        values, tuple(names), (0.25,) * len(names), (1.5,) * len(names), "cosine", Image.new("RGB", size, "teal"),
        Frame((height, width), (0, 0, width, height)), "small", method, seconds=0.25,
    )  # fmt: skip
