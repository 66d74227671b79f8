"""A picture with a heat map over it."""

from __future__ import annotations

import difflib

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap
from PIL import Image

from whylight.errors import BadInput, UnknownName

_GRAYED = 0.55
"""How far the picture below loses its own colours, so that they are not taken for the map's."""


def overlay(
    picture: Image.Image,
    heat: npt.NDArray[np.float32],
    *,
    alpha: float = 0.85,
    colormap: str = "inferno",
    signed: bool = False,
) -> Image.Image:
    """The map's colours over the picture, covering it the more the greater the relevance.

    Args:
        picture: RGB.
        heat: (height, width) of the picture, in [0, 1]; in [-1, 1] where it is signed.
        alpha: how much of the picture a relevance of 1 covers, 0 to 1.
        colormap: a matplotlib colour map.
        signed: its middle stands for 0, and what speaks against covers as what speaks for does.

    Raises:
        BadInput: alpha out of range.
        UnknownName: no such colour map, with near misses.
    """
    if not 0 <= alpha <= 1:
        raise BadInput(f"alpha must lie between 0 and 1, not {alpha}")
    below = np.asarray(picture, dtype=np.float32) / 255
    gray = below @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    below = below + np.float32(_GRAYED) * (gray[..., None] - below)
    place = 0.5 + heat / 2 if signed else heat
    above = find_colormap(colormap)(place, bytes=True)[..., :3].astype(np.float32) / 255
    mixed = below + np.float32(alpha) * np.abs(heat)[..., None] * (above - below)
    return Image.fromarray((mixed * 255 + 0.5).astype(np.uint8))


def find_colormap(name: str) -> Colormap:
    """A matplotlib colour map by name.

    Raises:
        UnknownName: with near misses.
    """
    known = matplotlib.colormaps
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else " Good ones: inferno, viridis, magma, cividis."
        raise UnknownName(f"unknown colour map {name!r}.{meant}")
    return known[name]
