"""The grid pointing game: collages of n x n pictures of different classes, each of which is explained.

The figure is the share of the map's positive relevance that falls into the class's own cell (Böhle et al., CVPR 2021;
Rao et al., CVPR 2022), :func:`whylight.evaluation.pointing.share_inside`.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image


def collage(pictures: Sequence[Image.Image], side: int, size: tuple[int, int]) -> Image.Image:
    """Side x side pictures, row by row, as one of ``size`` (height, width); each squashed into its cell, bilinear."""
    whole = Image.new("RGB", (size[1], size[0]))
    for picture, (left, top, right, bottom) in zip(pictures, cells(side, size), strict=True):
        whole.paste(picture.resize((right - left, bottom - top), Image.Resampling.BILINEAR), (left, top))
    return whole


def cells(side: int, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of every cell in pixels, row by row; they differ by a pixel where nothing divides."""
    rows, columns = ([round(i * length / side) for i in range(side + 1)] for length in size)
    return [(columns[i], rows[j], columns[i + 1], rows[j + 1]) for j in range(side) for i in range(side)]
