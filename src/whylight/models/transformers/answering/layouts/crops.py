"""Gemma 3: a square of tokens for the whole picture; with pan and scan more, for crops along its longer side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from whylight.errors import UnsupportedModel
from whylight.models.picture_grid import WHOLE, Grid
from whylight.models.transformers.answering.grid import Asked, runs_of


def gemma3(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    k = math.isqrt(asked.config.mm_tokens_per_image)
    runs = runs_of(places)
    left = len(asked.sizes) - index
    if left > 1 and len(runs) != left:
        raise UnsupportedModel("pan and scan of several pictures in one question: leave it off")
    whole = Grid(runs[0][0], k, k, k, WHOLE)
    if left > 1 or len(runs) == 1:
        return [whole], k * k
    height, width = asked.sizes[index]
    longer, crops = max(height, width), len(runs) - 1
    step = math.ceil(longer / crops)
    grids = [whole]
    for i, (first, _) in enumerate(runs[1:]):
        a, b = i * step / longer, min((i + 1) * step / longer, 1.0)
        grids.append(Grid(first, k, k, k, (0.0, a, 1.0, b) if width >= height else (a, 0.0, b, 1.0)))
    return grids, len(places)
