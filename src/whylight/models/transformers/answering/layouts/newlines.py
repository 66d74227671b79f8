"""LLaVA-NeXT and OneVision: the whole picture, then its tiles as one grid whose rows end with a newline token."""

from __future__ import annotations

import math
from collections.abc import Sequence

from whylight.errors import UnsupportedModel
from whylight.models.picture_grid import WHOLE, Frame, Grid
from whylight.models.transformers.answering.grid import Asked


def llava_next(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    return _base_and_tiles(asked, index, places, None)


def llava_onevision(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    """Large grids are shrunk; with several pictures in one question there are no tiles, and one newline at the end."""
    n = asked.patches
    if len(places) == (n * n + 1) * (len(asked.sizes) - index):
        return [Grid(places[0], n, n, n, WHOLE)], n * n + 1
    aspect = getattr(asked.config, "vision_aspect_ratio", None) or "anyres_max_9"
    return _base_and_tiles(asked, index, places, int(aspect.removeprefix("anyres_max_")))


def _base_and_tiles(asked: Asked, index: int, places: Sequence[int], most: int | None) -> tuple[list[Grid], int]:
    n, first = asked.patches, places[0]
    rows, columns, frame = _tiles(asked, asked.sizes[index])
    ratio = 1.0 if most is None else math.sqrt(rows * columns / (most * n * n))
    if ratio > 1.1:
        rows, columns = int(rows // ratio), int(columns // ratio)
    used = n * n + rows * (columns + 1)
    if used > len(places) or (index == len(asked.sizes) - 1 and used != len(places)):
        raise UnsupportedModel(f"the picture has {len(places)} tokens, where {used} were to be expected")
    return [Grid(first, n, n, n, WHOLE), Grid(first + n * n, rows, columns, columns + 1, frame)], used


def _tiles(asked: Asked, size: tuple[int, int]) -> tuple[int, int, Frame]:
    """Rows, columns and frame of the tiles: the picture lies centred on a canvas, whose padding is cut off again."""
    from transformers.image_processing_utils import select_best_resolution

    height, width = size
    down, across = select_best_resolution(size, asked.config.image_grid_pinpoints)
    rows, columns = down // asked.patch, across // asked.patch
    if across / width < down / height:
        inside = min(math.ceil(height * across / width), down), across
    else:
        inside = down, min(math.ceil(width * down / height), across)
    y, x = (down - inside[0]) // 2, (across - inside[1]) // 2
    cut_y = cut_x = 0
    if width / height > columns / rows:
        cut_y = (rows - int(round(height * columns / width, 7))) // 2
    else:
        cut_x = (columns - int(round(width * rows / height, 7))) // 2
    patch = asked.patch
    frame = (
        (cut_y * patch - y) / inside[0],
        (cut_x * patch - x) / inside[1],
        ((rows - cut_y) * patch - y) / inside[0],
        ((columns - cut_x) * patch - x) / inside[1],
    )
    return rows - 2 * cut_y, columns - 2 * cut_x, frame
