"""Qwen2-VL, 2.5 and 3: one grid of the picture's own shape, neighbouring patches merged."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.errors import UnsupportedModel
from whylight.models.picture_grid import WHOLE, Grid
from whylight.models.transformers.answering.grid import Asked


def qwen(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    frames, rows, columns = asked.inputs["image_grid_thw"][index].tolist()
    if frames != 1:
        raise UnsupportedModel("videos are not explained: give a picture")
    merged = asked.config.vision_config.spatial_merge_size
    rows, columns = rows // merged, columns // merged
    return [Grid(places[0], rows, columns, columns, WHOLE)], rows * columns
