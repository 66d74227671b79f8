"""A picture as a model looks at it: which pixels it reads, and which part of the picture they show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.preprocessing import Fit, Frame, Preprocessing
from whylight.models.raster import Raster
from whylight.models.view import View
from whylight.pictures.cost import check_cost
from whylight.pictures.read import PictureLike, read_picture
from whylight.pictures.read_raster import ValueRange, read_raster
from whylight.runs.type_hints import check_types

InputSize = int | tuple[int, int]


@dataclass(frozen=True)
class Look:
    """A picture as a model looks at it.

    Attributes:
        picture: upright, RGB.
        pixels: (1, 3, H, W), as the model reads them.
        frame: which part of the picture they show.
        how: size, fit and value_range as they were asked for, so that another picture can be looked at alike.
    """

    view: View
    picture: Image.Image
    pixels: Tensor
    frame: Frame
    how: Mapping[str, Any] = field(default_factory=dict)

    def on_grid(self, raw: Tensor) -> Tensor:
        """Relevance (targets, tokens) or (targets, H, W) as (targets, rows, columns) of what the frame holds."""
        height, width = self.pixels.shape[-2:]
        down, across = _preprocessing(self.view).patch
        if raw.dim() == 3:  # down to pixels: those that no patch covers belong to no place
            return raw[:, : height - height % down, : width - width % across]
        rows, columns = height // down, width // across
        finer = round((raw.shape[1] / (rows * columns)) ** 0.5)  # an earlier stage of Swin has more patches
        return raw.reshape(len(raw), rows * finer, columns * finer)


def look(
    view: View,
    picture: PictureLike | Raster,
    *,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    value_range: ValueRange | None = None,
) -> Look:
    """The picture as the model reads it; arguments as for :func:`explain`."""
    asked = {"size": size, "fit": fit, "large": large, "value_range": value_range}
    check_types("explain", asked, look)
    view.check_ready()
    own = _preprocessing(view)
    image = read_for(view.channels, picture, value_range)
    prepared = resized_for(own, image, size, fit)
    check_cost(view, own, prepared.size, large)
    pixels, frame = prepared(image)
    shown = image.shown() if isinstance(image, Raster) else image
    return Look(view, shown, pixels[None], frame, {"size": size, "fit": fit, "value_range": value_range})


def read_for(
    channels: int, picture: PictureLike | Raster, value_range: ValueRange | None = None, enough: int | None = None
) -> Image.Image | Raster:
    """The picture with its own values where a range is named or the model reads other channels than red, green, blue.

    Args:
        channels: that the model reads.
        enough: for :func:`whylight.pictures.read.read_picture`, where a picture of 8 bits will do.

    Raises:
        BadInput: a picture of other channels, or of a range that cannot be known.
    """
    gray_array = channels == 1 and isinstance(picture, (Tensor, np.ndarray))
    if value_range is not None or isinstance(picture, Raster) or gray_array or channels not in (1, 3):
        return read_raster(picture, channels, value_range)
    return read_picture(picture, enough)


def _preprocessing(view: View) -> Preprocessing:
    if view.preprocessing is None:
        raise BadInput(f"{view.name} is not asked about pictures here: use {view.front_door}")
    return view.preprocessing


def resized_for(
    preprocessing: Preprocessing, picture: Image.Image | Raster, size: InputSize | None, fit: Fit | None
) -> Preprocessing:
    if size is None and fit is None:
        return preprocessing
    if fit in ("squash", "pad") or (isinstance(size, int) and fit is None):
        preprocessing = replace(preprocessing, crop_fraction=1.0)  # all of the picture is wanted
    if size is None:
        return preprocessing.resized(preprocessing.size, fit)
    if min(size) < 1 if isinstance(size, tuple) else size < 1:
        raise BadInput(f"size must be positive, not {size}")
    if isinstance(size, int) and fit is None:
        ratio = size / min(picture.size)
        size, fit = (round(picture.height * ratio), round(picture.width * ratio)), "squash"
    height, width = (size, size) if isinstance(size, int) else size
    if (height, width) != preprocessing.size:
        down, across = preprocessing.patch
        height, width = max(1, round(height / down)) * down, max(1, round(width / across)) * across
    return preprocessing.resized((height, width), fit)
