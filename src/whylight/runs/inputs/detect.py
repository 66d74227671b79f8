"""What a file is, by its content: names lie."""

from __future__ import annotations

import struct
import tarfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Literal

from PIL import Image

from whylight.runs.inputs.places import open_binary

Kind = Literal["picture", "tar", "parquet", "jsonl", "csv", "list", "empty", "unknown"]

_HEAD = 64 * 1024
PICTURE_COLUMNS = (
    *("image", "picture", "img", "photo", "jpg", "jpeg", "png", "webp", "bytes", "image_bytes"),
    *("path", "image_path", "file", "filename", "file_name", "filepath", "file_path", "url", "image_url"),
)
"""Names that a column of pictures is looked for under, the first found."""


def kind_of(place: str) -> Kind:
    """What a file holds.

    Raises:
        OSError: it cannot be read.
    """
    with open_binary(place) as file:
        return kind_of_content(file.read(_HEAD))


def kind_of_content(head: bytes) -> Kind:
    """What begins like that."""
    if not head:
        return "empty"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x1f\x8b"):
        return "tar" if _is_tar(_gunzipped(head)) else "unknown"
    if _is_tar(head):
        return "tar"
    if is_picture(head):
        return "picture"
    return _kind_of_text(head)


def is_picture(head: bytes) -> bool:
    """Whether Pillow knows the beginning of a picture in it."""
    Image.init()
    return any(accept is not None and _accepts(accept, head[:16]) for _, accept in Image.OPEN.values())


def _accepts(accept: Callable[[bytes], object], head: bytes) -> bool:
    try:
        return accept(head) is True
    except (struct.error, IndexError):  # of a head too short for a format's numbers
        return False


def _is_tar(head: bytes) -> bool:
    """A header block has a checksum, in the oldest formats too; an archive of nothing is zeros."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    block = head[: tarfile.BLOCKSIZE]
    if not block.strip(b"\0"):
        return True
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, tarfile.BLOCKSIZE)
    except zlib.error:
        return b""


def _kind_of_text(head: bytes) -> Kind:
    head = head.removeprefix(BOM_UTF8)
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # The head may end inside a character.
        if error.start < len(head) - 4 or b"\0" in head:
            return "unknown"
        text = head[: error.start].decode()
    if "\0" in text:
        return "unknown"
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return "empty"
    if lines[0].lstrip().startswith("{"):
        return "jsonl"
    return "csv" if {cell.lower() for cell in header_cells(lines[0])} & set(PICTURE_COLUMNS) else "list"


def header_cells(line: str) -> list[str]:
    """What a first line names, if it is a table's header."""
    return [cell.strip().strip('"') for cell in line.replace("\t", ",").replace(";", ",").split(",")]
