"""A cell of a table as a picture: bytes, a struct of bytes and path, base64, or a path."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from whylight.errors import BadInput
from whylight.runs.inputs.detect import PICTURE_COLUMNS, is_picture
from whylight.runs.inputs.places import join
from whylight.runs.inputs.sample import Problem

_LONGEST_PATH = 4096


def picture_in(cell: Any, folder: str) -> tuple[bytes | None, str | None, Problem | None]:
    """A cell as (encoded picture, None, None), (None, place of a file, None) or (None, None, why not).

    Args:
        folder: what paths in the table begin from.
    """
    if isinstance(cell, Mapping):  # as Hugging Face data sets keep pictures
        return picture_in(cell.get("bytes") or cell.get("path"), folder)
    if cell is None or cell == "" or cell == b"" or cell != cell:
        return None, None, Problem("no-picture", "the cell is empty")
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return bytes(cell), None, None
    if not isinstance(cell, str):
        return None, None, Problem("no-picture", f"the cell holds a {type(cell).__name__}, no picture")
    if is_web(cell):
        return None, None, Problem("url", f"{cell} is a web address; download pictures first (img2dataset)")
    encoded = cell.partition(",")[2] if cell.startswith("data:") else cell
    if len(encoded) > _LONGEST_PATH or cell.startswith("data:") or _begins_a_picture(encoded):
        try:
            return base64.b64decode(encoded, validate=True), None, None
        except (binascii.Error, ValueError) as error:
            return None, None, Problem("bad-base64", f"the cell is neither a path nor base64: {error}")
    return None, join(folder, cell), None


def is_web(cell: object) -> bool:
    return isinstance(cell, str) and cell.lower().startswith(("http://", "https://"))


def _begins_a_picture(text: str) -> bool:
    try:
        return len(text) >= 64 and is_picture(base64.b64decode(text[:64], validate=True))
    except (binascii.Error, ValueError):
        return False


def picture_column(columns: list[str], wanted: str | None, table: str) -> str:
    """The column that holds the pictures.

    Raises:
        BadInput: there is none.
    """
    if wanted is not None:
        if wanted not in columns:
            raise BadInput(f"{table} has no column {wanted!r}; it has: {', '.join(columns)}")
        return wanted
    lowered = {column.lower(): column for column in reversed(columns)}
    for usual in PICTURE_COLUMNS:
        if usual in lowered:
            return lowered[usual]
    raise BadInput(f"which column of {table} holds the pictures? --picture-column one of: {', '.join(columns)}")


def refuse_web_addresses(cells: list[Any], column: str, table: str) -> None:
    """Whylight fetches nothing from the web.

    Raises:
        BadInput: all cells are web addresses.
    """
    if cells and all(is_web(cell) for cell in cells):
        raise BadInput(
            f"column {column} of {table} holds web addresses, and Whylight fetches none: download them first "
            "(img2dataset writes tars that `whylight run` reads), or name a column of paths or bytes"
        )
