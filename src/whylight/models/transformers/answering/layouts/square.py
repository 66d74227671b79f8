"""One square of tokens for a picture: LLaVA 1.5 (cropped, padded or squashed) and PaliGemma (squashed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from whylight.errors import UnsupportedModel
from whylight.models.picture_grid import WHOLE, Frame, Grid
from whylight.models.transformers.answering.grid import Asked


def llava(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    """``vision_feature_select_strategy="full"`` keeps the class token, first."""
    n = asked.patches
    used = len(places) // (len(asked.sizes) - index)
    first = places[0] + (used == n * n + 1)
    return [Grid(first, n, n, n, _frame(asked.processor.image_processor, asked.side, asked.sizes[index]))], used


def paligemma(asked: Asked, index: int, places: Sequence[int]) -> tuple[list[Grid], int]:
    n = asked.patches
    return [Grid(places[0], n, n, n, WHOLE)], n * n


def _frame(images: Any, side: int, size: tuple[int, int]) -> Frame:
    """What the tower sees of a picture of (height, width)."""
    height, width = size
    if getattr(images, "do_pad", False):  # squared with its mean colour: the frame is larger than the picture
        longer = max(height, width)
        top, left = -((longer - height) // 2), -((longer - width) // 2)
        return top / height, left / width, (top + longer) / height, (left + longer) / width
    wanted = getattr(images, "size", None) or {}
    shorter = wanted.get("shortest_edge")
    if shorter is None:
        return WHOLE
    if not getattr(images, "do_center_crop", False) or shorter != side:
        raise UnsupportedModel("an image processor that neither squashes, pads nor crops to the tower's own square")
    scale = side / min(height, width)
    top_, left_ = (round(height * scale) - side) / 2 / scale, (round(width * scale) - side) / 2 / scale
    seen = side / scale
    return top_ / height, left_ / width, (top_ + seen) / height, (left_ + seen) / width
