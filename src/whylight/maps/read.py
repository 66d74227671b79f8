"""Back from stored rows to explanations."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from PIL import Image

from whylight.errors import BadInput, WhylightError
from whylight.maps.schema import OK
from whylight.maps.settings import MapSettings
from whylight.models.preprocessing import Frame
from whylight.pictures.explanation import Explanation
from whylight.pictures.read import read_picture
from whylight.runs.folder import Place, RunFolder, folder_of
from whylight.runs.inputs.locate import encoded_picture
from whylight.runs.manifest import settings_of
from whylight.runs.store import numbers_there, read_shard, say_strangers

_GRAY = (128, 128, 128)
_MOST_PIXELS = 2**28
"""Of a picture that a row is about: Pillow opens none of more."""


def read_maps(folder: Place, *, method: str | None = None, pictures: bool = True) -> Iterator[Explanation]:
    """The explanations that ``whylight run`` wrote, one after the other, each read when it is reached.

    Each has all targets of one picture by one method; its ``key`` says which picture. Pictures that failed are left
    out. Stored in float16, relevance comes back to within 2^-11 of its largest value; in float32 as it was.

    Args:
        folder: of the run, or its URL.
        method: a label of the run's ``--methods``; default: all.
        pictures: read each picture from where it was. One that is no longer there, and with False every one, is plain
            grey, of the right size.

    Raises:
        BadInput: no folder of such a run, or a shard that does not read or holds something else, or a row that
            cannot be.

    Warns:
        WhylightWarning: a file is of no shard of the run; it is passed over.
    """
    place = folder_of(folder)
    return _explanations(place, settings_of(place, MapSettings), method, pictures)


def _explanations(
    folder: RunFolder, settings: MapSettings, method: str | None, pictures: bool
) -> Iterator[Explanation]:
    say_strangers(folder)
    for number in numbers_there(folder):
        rows = [r for r in read_rows_of(folder, number) if r["status"] == OK and method in (None, r["method"])]
        for _, some in groupby(rows, key=lambda row: (row["key"], row["method"])):
            yield explanation_of(list(some), settings, pictures=pictures)


def read_rows_of(folder: RunFolder, number: int) -> list[dict[str, Any]]:
    """Rows of a shard, relevance as one array each."""
    table = read_shard(folder, number)
    rows = table.drop_columns(["relevance"]).to_pylist()
    for row, relevance in zip(rows, table.column("relevance"), strict=True):
        row["relevance"] = None if not relevance.is_valid else relevance.values.to_numpy(zero_copy_only=False)
    return rows  # type: ignore[no-any-return]


def explanation_of(rows: Sequence[dict[str, Any]], settings: MapSettings, *, pictures: bool = True) -> Explanation:
    """Rows of one picture and one method, one for each target, as one explanation."""
    first = rows[0]
    _refuse_impossible(first)
    size = (first["picture_height"], first["picture_width"])
    picture = picture_of(first["source"], settings.picture, size) if pictures else None
    maps = [np.asarray(row["relevance"], np.float32) * np.float32(row["scale"]) for row in rows]
    grid = (first["grid_height"], first["grid_width"])
    return Explanation(
        relevance=torch.from_numpy(np.stack(maps)).unflatten(1, grid),
        targets=tuple(row["target"] for row in rows),
        scores=tuple(row["score"] for row in rows),
        logits=tuple(row["logit"] for row in rows),
        score_name=settings.score_name,
        picture=picture or Image.new("RGB", size[::-1], _GRAY),
        frame=Frame(size, (first["left"], first["top"], first["right"], first["bottom"])),
        model=settings.model,
        method=settings.methods[first["method"]]["method"],
        options=settings.methods[first["method"]]["options"],
        input_size=(first["input_height"], first["input_width"]),
        key=first["key"],
    )


def _refuse_impossible(row: dict[str, Any]) -> None:
    """Refuse sizes that rows of a run never say, before memory is asked for them."""
    said = f"the stored row of {row['key']}"
    height, width = row["picture_height"], row["picture_width"]
    if not 0 < height * width <= _MOST_PIXELS:
        raise BadInput(f"{said} cannot be: its picture is {height} x {width} pixels (height x width)")
    rows, columns = row["grid_height"], row["grid_width"]
    if len(row["relevance"]) != rows * columns:
        raise BadInput(f"{said} cannot be: its map of {len(row['relevance'])} values has a grid of {rows} x {columns}")


def picture_of(source: str, column: str | None, size: tuple[int, int] | None = None) -> Image.Image | None:
    """The picture that a row is about, if it is still there (and as large as it was)."""
    try:
        data = encoded_picture(source, column)
        picture = None if data is None else read_picture(Image.open(io.BytesIO(data)))
    except (WhylightError, OSError, SyntaxError, ValueError):
        return None
    return picture if picture is None or size is None or (picture.height, picture.width) == size else None


def find_map(
    folder: RunFolder, settings: MapSettings, shard: int, key: str, target: str, method: str
) -> Explanation | None:
    """One row of a shard as an explanation, with its picture; None where it has no map."""
    for row in read_rows_of(folder, shard):
        if (row["key"], row["target"], row["method"], row["status"]) == (key, target, method, OK):
            return explanation_of([row], settings)
    return None
