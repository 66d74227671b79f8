"""Overlays beside the rows: each shard's as one tar, or as PNG files in a folder."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Sequence
from typing import Any

from PIL import Image
from torch import Tensor

from whylight.models.preprocessing import Frame
from whylight.pictures.explanation import Explanation
from whylight.runs.folder import RunFolder

COLUMN = "\0overlay"
"""Where a row carries its overlay until its shard is stored."""
FOLDER = "overlays"
KINDS = ("tar", "png")
_LONGER_SIDE = 512


def overlay_png(picture: Image.Image, frame: Frame, relevance: Tensor) -> bytes:
    """A map over its picture, of which the longer side has at most 512 pixels."""
    shown = Explanation(
        relevance=relevance[None],
        targets=("",),
        scores=(0.0,),
        logits=(0.0,),
        score_name="cosine",
        picture=picture,
        frame=frame,
        model="",
        method="",
    ).reduced(_LONGER_SIDE)
    content = io.BytesIO()
    shown.overlay().save(content, "PNG")
    return content.getvalue()


def write_overlays(folder: RunFolder, kind: str, shard: int, rows: Sequence[dict[str, Any]]) -> None:
    """Write a shard's overlays, and take them out of its rows."""
    found: dict[str, bytes] = {}
    for index, row in enumerate(rows):
        if (content := row.pop(COLUMN, None)) is not None:
            found[f"{index:06d}-{_plain(row['key'])}.{_plain(row['method'])}.{_plain(row['target'])}.png"] = content
    place = f"{FOLDER}/shard-{shard:05d}"
    if kind == "png":
        for name, content in found.items():
            folder.write(f"{place}/{name}", content)
        return
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in found.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    folder.write(f"{place}.tar", packed.getvalue())


def _plain(text: str) -> str:
    """A name for a file: no dots, which would end a sample's name in a tar."""
    return re.sub(r"[^\w-]+", "_", text.rpartition("/")[2])[:60]
