"""A frame of a film: the picture, and the map of every target over it, each under its name and score."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from whylight.errors import visible
from whylight.pictures.overlay import overlay
from whylight.pictures.series import Still

LONGER_SIDE = 480
"""Most pixels of a tile's longer side."""
WIDEST = 1920
"""About how wide the whole frame is at most."""
GAP = 4
PAPER, INK, PALE = (255, 255, 255), (26, 26, 26), (107, 107, 107)


def film_frame(
    still: Still, picture: Image.Image, maps: npt.NDArray[np.float32], size: tuple[int, int], colormap: str = "inferno"
) -> Image.Image:
    """Tiles side by side.

    Args:
        picture: of the frame, RGB.
        maps: (targets, height, width) of the picture in [0, 1].
        size: (width, height) of a tile, from :func:`tile_size`; a picture of another shape is centred in it.
    """
    drawn = [picture, *(overlay(picture, heat, colormap=colormap) for heat in maps)]
    titles = [still.name, *still.targets]
    below = [f"{picture.width} x {picture.height}", *(still.said(index) for index in range(len(maps)))]
    head = 3 * _height(size)
    film = Image.new("RGB", (len(drawn) * (size[0] + GAP) + GAP, size[1] + head + GAP), PAPER)
    canvas = ImageDraw.Draw(film)
    for index, tile in enumerate(drawn):
        left = GAP + index * (size[0] + GAP)
        film.paste(_fitted(tile, size), (left, head))
        for line, (text, color) in enumerate(((titles[index], INK), (below[index], PALE))):
            canvas.text((left, 2 + line * head * 0.45), _cut(text, size), color, _font(size))
    return film


def tile_size(picture: Image.Image, tiles: int) -> tuple[int, int]:
    """(width, height) of every tile, in the shape of the first picture, both even."""
    ratio = min(1.0, LONGER_SIDE / max(picture.size), WIDEST / (tiles * picture.width))
    width, height = (max(2, round(side * ratio / 2) * 2) for side in picture.size)
    return width, height


def _fitted(tile: Image.Image, size: tuple[int, int]) -> Image.Image:
    ratio = min(size[0] / tile.width, size[1] / tile.height)
    small = tile.resize((max(1, round(tile.width * ratio)), max(1, round(tile.height * ratio))), reducing_gap=2.0)
    whole = Image.new("RGB", size, PAPER)
    whole.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    return whole


def _cut(text: str, size: tuple[int, int]) -> str:
    """What of a line fits over a tile."""
    text, font = visible(" ".join(text.split())), _font(size)
    if font.getlength(text) <= size[0]:
        return text
    while text and font.getlength(f"{text}…") > size[0]:
        text = text[:-1]
    return f"{text}…"


def _font(size: tuple[int, int]) -> ImageFont.FreeTypeFont:
    return _of_height(_height(size))


def _height(size: tuple[int, int]) -> int:
    """Of letters over tiles of that size, in pixels."""
    return max(9, min(16, size[0] // 18))


@cache
def _of_height(height: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), height)
