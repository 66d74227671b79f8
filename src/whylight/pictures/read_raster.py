"""Reading pictures whose values are no 8 bits of red, green and blue: deep greys, floats, any number of channels."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.raster import Raster
from whylight.pictures.read import PictureLike, opened, upright

ValueRange = tuple[float, float]
"""What is black and what is white, in the picture's own values; what lies beyond is cut off."""

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def read_raster(source: PictureLike | Raster, channels: int, value_range: ValueRange | None = None) -> Raster:
    """A picture with as many channels as a model reads, 0 black and 1 white.

    Args:
        source: a path or a PIL picture; an array (height, width), (height, width, channels); a tensor (height, width),
            (channels, height, width). Of any type of real numbers.
        channels: grey pictures are repeated for three, and colours are turned to grey for one.
        value_range: (black, white). Default: what the type says, 0 to 255 of uint8 and [0, 1] of floats.

    Raises:
        BadInput: another shape, values that are no numbers, or a range that cannot be known.
    """
    if isinstance(source, Raster):
        return source
    low, high = _checked(value_range)
    values, name = _values(source, channels)
    if not np.isfinite(values).all():
        raise BadInput(f"{name} holds values that are no numbers (NaN or infinity): give them a value first")
    if value_range is None:
        low, high = _known_range(values, name)
    scaled = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)
    return Raster(_with_channels(scaled, channels, name))


def _checked(value_range: ValueRange | None) -> ValueRange:
    low, high = value_range or (0.0, 1.0)
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise BadInput(f"value_range is (black, white), two different numbers such as (0, 4095); not {value_range}")
    return float(low), float(high)


def _known_range(values: npt.NDArray[Any], name: str) -> ValueRange:
    if values.dtype == np.uint8:
        return 0.0, 255.0
    least, greatest = float(values.min()), float(values.max())
    if np.issubdtype(values.dtype, np.floating) and least >= 0 and greatest <= 1:
        return 0.0, 1.0
    raise BadInput(
        f"{name} has {values.dtype} values from {least:.4g} to {greatest:.4g}, which do not say what is black "
        "and white: give value_range=(black, white) (--value-range BLACK WHITE)"
    )


def _values(source: PictureLike, channels: int) -> tuple[npt.NDArray[Any], str]:
    """(channels, height, width) in the picture's own values, and what to call it."""
    if isinstance(source, (str, os.PathLike)):
        with opened(Path(os.fsdecode(source))) as picture:
            return _of_picture(upright(picture, str(source))), str(source)
    if isinstance(source, Image.Image):
        return _of_picture(upright(source, "the picture")), "the picture"
    tensor = isinstance(source, Tensor)
    if not isinstance(source, (Tensor, np.ndarray)):
        raise BadInput(f"a picture is a path, a PIL picture, an array or a tensor, not a {type(source).__name__}")
    array = (
        source.detach().cpu().double().numpy()
        if isinstance(source, Tensor) and source.is_floating_point()
        else np.asarray(source)
    )
    if array.dtype.kind not in "uif" or array.ndim not in (2, 3) or 0 in array.shape:
        shape = f"({channels}, height, width)" if tensor else f"(height, width, {channels})"
        raise BadInput(f"a picture is (height, width) or {shape} of real numbers, not {array.shape} {array.dtype}")
    if array.ndim == 2:
        return array[None], "the picture"
    return (array if tensor else array.transpose(2, 0, 1)), "the picture"


def _of_picture(picture: Image.Image) -> npt.NDArray[Any]:
    deep = picture.mode.startswith(("I", "F")) or picture.mode == "L"
    values = np.asarray(picture if deep else picture.convert("RGB"))
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def _with_channels(values: npt.NDArray[np.float32], channels: int, name: str) -> npt.NDArray[np.float32]:
    if len(values) == channels:
        return np.ascontiguousarray(values)
    if len(values) == 1 and channels == 3:
        return np.repeat(values, 3, axis=0)
    if len(values) == 3 and channels == 1:
        return np.tensordot(_LUMA, values, axes=1)[None].astype(np.float32)
    raise BadInput(
        f"the model reads {channels} channels, and {name} has {len(values)}: give an array (height, width, {channels}) "
        f"or whylight.relevance a tensor (batch, {channels}, height, width)"
    )
