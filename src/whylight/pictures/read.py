"""Reading pictures, whatever they come as, into one form: an upright RGB picture of 8 bits."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, PcxImagePlugin, UnidentifiedImageError
from torch import Tensor

from whylight.errors import BadInput
from whylight.runs.files import home_opened, reason

PictureLike = str | os.PathLike[str] | Image.Image | npt.NDArray[Any] | Tensor
"""A path, a PIL picture, an array (height, width, 3), or a tensor (3, height, width)."""

_NO_PICTURES = {".h5", ".hdf", ".grib", ".bufr", ".mpg", ".mpeg", ".eps", ".ps", ".emf", ".wmf", ".iim"}
"""Endings whose formats Pillow only recognises, or hands to another program."""
_TWELVE_BITS = 4096
_PALETTE = 769
"""Bytes at the end of a PCX file of 256 colours: a twelve, and the colours."""
_SLACK = 1e-3
"""How far floats may lie outside [0, 1], as they do after resizing."""


def read_picture(source: PictureLike, enough: int | None = None) -> Image.Image:
    """A picture as a PIL picture of mode RGB, turned upright as its EXIF tag says.

    Args:
        source: a path; a PIL picture of any mode; an array (height, width, 3), uint8 or floating in [0, 1]; a tensor
            (3, height, width), the same. Of animations the first frame counts, transparent pictures lie on white, and
            16 bits become 8.
        enough: JPEG files larger than that may be decoded at a half, a quarter or an eighth, with both sides still as
            long: quicker, and a picture of fewer pixels. Default: all pixels.

    Raises:
        BadInput: the file is missing or no picture, or the array has another shape, type or range.
    """
    if isinstance(source, Image.Image):
        return _upright_rgb(source, "the picture")
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (str, os.PathLike)):
        if not os.fspath(source):
            raise BadInput("the name of a picture is empty")
        path = Path(os.fsdecode(source))
        with opened(path) as picture:
            if enough is not None:
                with _one_line(path):
                    picture.draft(None, (enough, enough))
            return _upright_rgb(picture, str(path))
    raise BadInput(
        "a picture is a path, a PIL picture, an array (height, width, 3) or a tensor (3, height, width), not a "
        f"{type(source).__name__}"
    )


def picture_endings() -> set[str]:
    """Endings of files that Pillow reads without other programs: ``.jpg``, ``.jfif``, ``.avif``, ..."""
    Image.init()
    return {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN} - _NO_PICTURES


def opened(path: Path) -> Image.Image:
    """A file as PIL opens it, not decoded yet.

    Raises:
        BadInput: it is missing, or no picture.
    """
    try:
        mode = home_opened(path).stat().st_mode
    except FileNotFoundError:
        address = re.match(r"[a-z][a-z0-9+]+:/", str(path))
        fetch = ": an address is not looked up here, fetch it first" if address else ": there is no such file"
        raise BadInput(f"{path}{fetch}") from None
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise BadInput(f"{path} cannot be read: {reason(error)}") from None
    if stat.S_ISDIR(mode):
        raise BadInput(f"{path} is a folder, not a picture")
    if not stat.S_ISREG(mode):
        raise BadInput(f"{path} is no file: a pipe or a device has no end to wait for")
    with _one_line(path):
        return Image.open(home_opened(path))


@contextlib.contextmanager
def _one_line(name: object) -> Iterator[None]:
    """Whatever a decoder raises for a damaged picture, and there is nothing that none raises, as one line.

    Raises:
        BadInput: saying what the decoder said.
    """
    try:
        yield
    except BadInput:
        raise
    except UnidentifiedImageError:
        empty = isinstance(name, Path) and home_opened(name).stat().st_size == 0
        why = "the file is empty" if empty else "it is no picture, or of an unknown format"
        raise BadInput(f"{name} cannot be read: {why}") from None
    except MemoryError:
        raise BadInput(f"{name} cannot be read: it does not fit into memory") from None
    except Exception as error:
        said = str(error).partition("\n")[0] or type(error).__name__
        raise BadInput(f"{name} cannot be read: {said}") from None


def upright(picture: Image.Image, name: str) -> Image.Image:
    """The picture decoded, and turned as its EXIF tag says.

    Raises:
        BadInput: it holds no pixel, or is damaged.
    """
    with _one_line(name):
        if 0 in picture.size:
            raise BadInput(f"{name} holds no pixel: {picture.width} x {picture.height}")
        _refuse_lost_palette(picture, name)
        if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            return ImageOps.exif_transpose(picture)
        picture.load()
        return picture


def _refuse_lost_palette(picture: Image.Image, name: str) -> None:
    """The colours of a PCX file stand at its end; one that was cut is read by Pillow as if it were grey."""
    if not isinstance(picture, PcxImagePlugin.PcxImageFile) or picture.mode != "L" or picture.fp is None:
        return
    place = picture.fp.tell()
    try:
        picture.fp.seek(-_PALETTE, os.SEEK_END)
        if picture.fp.read(1) != b"\x0c":
            raise BadInput(f"{name} cannot be read: its palette is missing, the file is cut")
    finally:
        picture.fp.seek(place)


def _upright_rgb(picture: Image.Image, name: str) -> Image.Image:
    picture = upright(picture, name)
    with _one_line(name):
        if picture.mode.startswith(("I", "F")):
            picture = _to_eight_bits(picture)
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Greys of 16 bits, or of 32 bits and floats that hold 8 or 16 bits or [0, 1]."""
    values = np.asarray(picture, dtype=np.float64)
    low, top = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    whole = picture.mode.startswith("I")
    # Written so that NaN is refused as well.
    if not whole and low >= -_SLACK and top <= 1 + _SLACK:
        values = values * 255
    elif picture.mode.startswith("I;16"):
        if 255 < top < _TWELVE_BITS:
            raise BadInput(_range(values, "12 bits in 16, or a dark picture of 16"))
        values = values / 257
    elif low >= 0 and top <= 255:
        pass
    elif low >= 0 and _TWELVE_BITS <= top <= 65535 and bool((values % 1 == 0).all()):
        values = values / 257
    else:
        raise BadInput(_range(values, "neither [0, 1] nor 8 or 16 bits"))
    return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))


def _range(values: npt.NDArray[Any], why: str) -> str:
    return (
        f"greys from {values.min():.4g} to {values.max():.4g} ({why}) do not say what is white: "
        "give value_range=(black, white) (--value-range BLACK WHITE)"
    )


def _from_tensor(tensor: Tensor) -> Image.Image:
    if tensor.dim() != 3 or tensor.shape[0] != 3:
        raise BadInput(
            f"a picture tensor is (3, height, width), one picture at a time, not {tuple(tensor.shape)} "
            "(whylight.relevance takes batches)"
        )
    tensor = tensor.detach().cpu()
    return _from_array((tensor.double() if tensor.is_floating_point() else tensor).permute(1, 2, 0).numpy())


def _from_array(array: npt.NDArray[Any]) -> Image.Image:
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise BadInput(f"a picture array is (height, width, 3), not {array.shape}")
    if np.issubdtype(array.dtype, np.floating):
        # Written so that NaN is refused as well.
        if not (array.min() >= -_SLACK and array.max() <= 1 + _SLACK):
            raise BadInput(
                f"floating pictures hold values in [0, 1], not {array.min():.3g} to {array.max():.3g} "
                "(give value_range=(black, white); whylight.relevance takes pixels that are already normalised)"
            )
        array = (np.clip(array, 0, 1) * 255 + 0.5).astype(np.uint8)
    if array.dtype != np.uint8:
        raise BadInput(
            f"a picture array holds uint8, or floats in [0, 1], not {array.dtype}: give value_range=(black, white)"
        )
    return Image.fromarray(np.ascontiguousarray(array))
