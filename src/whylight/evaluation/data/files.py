"""Opening a data set's files: what is wrong is said once and clearly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Unusable

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_WHOLE = 32 * 2**20


def existing(path: Path, what: str) -> Path:
    """The path, if it is there.

    Raises:
        BadInput: it is not.
    """
    if not path.exists():
        raise BadInput(f"{what} is missing: {path}")
    return path


def first_existing(folder: Path, names: Sequence[str], what: str) -> Path:
    """The first of several names that a data set's file goes by.

    Raises:
        BadInput: none is there.
    """
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise BadInput(f"{what} is missing: {folder} holds none of {', '.join(names)}")


def inside(folder: Path, name: str) -> Path:
    """A file that a data set's list names: nowhere but in the data set's folder. Links there are the user's own.

    Raises:
        Unusable: the name leads out of it.
    """
    path = folder / name
    if "\0" in name or not Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder)):
        raise Unusable(f"its name {name!r} leads out of the data set's folder")
    return path


def pictures_in(folder: Path) -> list[Path]:
    """Pictures directly in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def open_picture(path: Path) -> Image.Image:
    """A picture, decoded, RGB, its pixels as they are stored.

    Unlike :func:`whylight.pictures.read.read_picture` it turns nothing upright and fills no transparency: masks,
    boxes and points count stored pixels, and the papers' loaders read them so.

    Raises:
        Unusable: it is missing or does not decode.
    """
    return _decoded(path, "picture").convert("RGB")


def open_label_map(path: Path, picture: Image.Image) -> npt.NDArray[np.int64]:
    """A picture of class numbers (palette or grey), (height, width), of the same size as the picture it belongs to.

    Raises:
        Unusable: it is missing, does not decode, has colours for numbers, or is of another size.
    """
    image = _decoded(path, "mask")
    if image.mode not in ("L", "P", "1", "I", "I;16"):
        raise Unusable(f"mask {path.name} has {image.mode} colours where class numbers should be")
    if image.size != picture.size:
        raise Unusable(f"mask {path.name} is {_size(image)}, its picture {_size(picture)}")
    return np.asarray(image).astype(np.int64)


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a text file, without empty ones.

    Raises:
        BadInput: missing, not text, or empty.
    """
    try:
        lines = [line.strip() for line in existing(path, what).read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise BadInput(f"{what} is not text: {path}") from None
    lines = [line for line in lines if line]
    if not lines:
        raise BadInput(f"{what} is empty: {path}")
    return lines


def fingerprint(*parts: Path | str | bytes | Iterable[str]) -> str:
    """A digest of files (content; of large ones size, beginning and end) and of texts."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            digest.update(_content(part))
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update("\0".join([part] if isinstance(part, str) else part).encode())
        digest.update(b"\1")
    return digest.hexdigest()[:16]


def sizes(paths: Iterable[Path]) -> list[str]:
    """Name and size of each file, for a fingerprint that need not read every picture."""
    return [f"{path.name} {path.stat().st_size if path.exists() else 'missing'}" for path in paths]


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _WHOLE:
            return file.read()
        start = file.read(_WHOLE // 2)
        file.seek(-_WHOLE // 2, 2)
        return str(size).encode() + start + file.read()


def _decoded(path: Path, what: str) -> Image.Image:
    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError:
        raise Unusable(f"{what} {path.name} is missing") from None
    except Exception as error:  # there is nothing that no decoder raises
        raise Unusable(f"{what} {path.name} does not decode: {error}") from None
    return image


def _size(image: Image.Image) -> str:
    return f"{image.width} x {image.height}"
