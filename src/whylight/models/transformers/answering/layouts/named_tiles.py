"""SmolVLM and Idefics3: tiles named by the token before them, ``<row_r_col_c>``, and the whole picture last."""

from __future__ import annotations

import re
from collections.abc import Sequence

from whylight.models.picture_grid import WHOLE, Grid
from whylight.models.transformers.answering.grid import Asked, runs_of

_NAME = re.compile(r"<row_(\d+)_col_(\d+)>")


def idefics3(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    k = asked.patches // asked.config.scale_factor
    tiles: list[tuple[int, int, int]] = []
    for used, (first, _) in enumerate(runs_of(places), 1):
        named = _NAME.fullmatch(str(asked.processor.tokenizer.convert_ids_to_tokens(asked.ids[first - 1])))
        if named is None:
            rows, columns = (max((tile[i] for tile in tiles), default=1) for i in (1, 2))
            grids = [
                Grid(at, k, k, k, ((row - 1) / rows, (column - 1) / columns, row / rows, column / columns))
                for at, row, column in tiles
            ]
            return [*grids, Grid(first, k, k, k, WHOLE)], used * k * k
        tiles.append((first, int(named[1]), int(named[2])))
    return [], 0
