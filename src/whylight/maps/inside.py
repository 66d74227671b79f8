"""Where relevance should be: masks and boxes beside pictures, as the model's input sees them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.preprocessing import Frame
from whylight.runs.inputs.places import join, read_bytes

_ENDINGS = ("png", "webp", "bmp", "tif", "gif", "jpg")


@dataclass(frozen=True)
class Inside:
    """Where masks or boxes come from.

    Attributes:
        folder: of masks, named as the pictures but for the ending: every pixel that is not black is inside.
        boxes: a column of [left, top, right, bottom] in picture pixels, or of a list of those.
    """

    folder: str | None = None
    boxes: str | None = None

    def label(self, key: str, fields: Mapping[str, Any], frame: Frame, size: tuple[int, int]) -> Tensor | None:
        """1 inside, 0 outside, -1 beyond the picture: (height, width) of the model's input, int8; None: not known.

        Raises:
            BadInput: a mask that does not read, or of another size than the picture; a box that is none.
        """
        if self.boxes is not None:
            cell = fields.get(self.boxes)
            return None if cell is None else _seen(_box_mask(cell, frame.picture), frame, size)
        assert self.folder is not None
        mask = self._mask(key, frame.picture)
        return None if mask is None else _seen(mask, frame, size)

    def _mask(self, key: str, picture: tuple[int, int]) -> np.ndarray[Any, Any] | None:
        assert self.folder is not None
        stem = key.rpartition("/")[2]
        stem = stem.rpartition(".")[0] or stem
        for ending in _ENDINGS:
            place = join(self.folder, f"{stem}.{ending}")
            try:
                content = read_bytes(place)
            except FileNotFoundError:
                continue
            try:
                mask = np.asarray(Image.open(io.BytesIO(content)).convert("L")) > 0
            except (OSError, SyntaxError) as error:
                raise BadInput(f"the mask {place} does not read: {error}") from None
            if mask.shape != picture:
                raise BadInput(
                    f"the mask {place} has {mask.shape[1]} x {mask.shape[0]} pixels, its picture "
                    f"{picture[1]} x {picture[0]}"
                )
            return mask
        return None


def _box_mask(cell: Any, picture: tuple[int, int]) -> np.ndarray[Any, Any]:
    mask = np.zeros(picture, dtype=bool)
    boxes = cell if len(cell) and isinstance(cell[0], (list, tuple, np.ndarray)) else [cell]
    for box in boxes:
        try:
            left, top, right, bottom = (float(side) for side in box)
        except (TypeError, ValueError):
            raise BadInput(f"a box is [left, top, right, bottom], not {box!r}") from None
        rows = slice(max(0, math.ceil(top - 0.5)), max(0, math.ceil(bottom - 0.5)))
        columns = slice(max(0, math.ceil(left - 0.5)), max(0, math.ceil(right - 0.5)))
        mask[rows, columns] = True
    return mask


def _seen(mask: np.ndarray[Any, Any], frame: Frame, size: tuple[int, int]) -> Tensor:
    """A mask of the picture at the centres of the input's pixels."""
    left, top, right, bottom = frame.box
    y = np.floor(top + (np.arange(size[0]) + 0.5) / size[0] * (bottom - top)).astype(int)
    x = np.floor(left + (np.arange(size[1]) + 0.5) / size[1] * (right - left)).astype(int)
    within_y, within_x = (y >= 0) & (y < mask.shape[0]), (x >= 0) & (x < mask.shape[1])
    label = mask[np.clip(y, 0, mask.shape[0] - 1)][:, np.clip(x, 0, mask.shape[1] - 1)].astype(np.int8)
    label[~within_y] = -1
    label[:, ~within_x] = -1
    return torch.from_numpy(label)
