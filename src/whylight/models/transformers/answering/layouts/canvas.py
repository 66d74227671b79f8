"""InternVL: tiles of the canvas that fits the picture best, in one run, and a thumbnail last."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.errors import UnsupportedModel
from whylight.models.picture_grid import WHOLE, Grid
from whylight.models.transformers.answering.grid import Asked


def internvl(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    k = int(asked.patches * asked.config.downsample_ratio)
    left, tiles = len(asked.sizes) - index, len(places) // (k * k)
    if tiles == left:
        return [Grid(places[0], k, k, k, WHOLE)], k * k
    rows, columns = _canvas(asked, index)
    if rows * columns == 1:
        return [Grid(places[0], k, k, k, WHOLE)], k * k
    count = rows * columns
    if tiles < count + 1 or (left == 1 and tiles != count + 1):
        raise UnsupportedModel(f"the picture has {tiles} tiles, where {count + 1} were to be expected")
    grids = [
        Grid(places[0] + i * k * k, k, k, k, (r / rows, c / columns, (r + 1) / rows, (c + 1) / columns))
        for i in range(count)
        for r, c in [divmod(i, columns)]
    ]
    return [*grids, Grid(places[0] + count * k * k, k, k, k, WHOLE)], (count + 1) * k * k


def _canvas(asked: Asked, index: int) -> tuple[int, int]:
    from transformers.models.got_ocr2.image_processing_got_ocr2 import get_optimal_tiled_canvas

    images, square = asked.processor.image_processor, (asked.side, asked.side)
    columns, rows = get_optimal_tiled_canvas(asked.sizes[index], square, images.min_patches, images.max_patches)
    return rows, columns
