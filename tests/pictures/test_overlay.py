"""Overlays show the picture where nothing speaks, and the map's colour where everything does."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from PIL import Image

from whylight.pictures.overlay import overlay

GRAY = Image.new("RGB", (10, 6), (120, 120, 120))


def heat_with_one(row: int, column: int) -> np.ndarray:
    heat = np.zeros((6, 10), np.float32)
    heat[row, column] = 1
    return heat


def test_no_relevance_leaves_a_grey_picture_as_it_is() -> None:
    assert np.abs(np.asarray(overlay(GRAY, heat_with_one(2, 3))).astype(int)[0, 0] - 120).max() <= 1


def test_full_relevance_is_the_maps_colour_mixed_by_alpha() -> None:
    for colormap in ("inferno", "viridis"):
        top = np.array(colormaps[colormap](1.0)[:3]) * 255
        for alpha in (0.0, 0.5, 1.0):
            drawn = np.asarray(overlay(GRAY, heat_with_one(2, 3), alpha=alpha, colormap=colormap))
            np.testing.assert_allclose(drawn[2, 3], alpha * top + (1 - alpha) * 120, atol=1)


def test_the_overlay_has_the_pictures_size_and_loses_part_of_its_colour() -> None:
    red = Image.new("RGB", (10, 6), (200, 0, 0))
    drawn = overlay(red, np.zeros((6, 10), np.float32))
    assert drawn.size == red.size
    pixel = np.asarray(drawn)[0, 0].astype(int)
    assert 0 < pixel[1] < pixel[0] < 200
