"""Colours of words: one hue for relevance, two that diverge where it is signed."""

from __future__ import annotations

from functools import cache

from torch import Tensor

RGB = tuple[int, int, int]
FAINT = 0.02
"""Words below this share of the strongest one stay uncoloured."""


def colors(relevance: Tensor) -> list[RGB | None]:
    """Background colours of words from their relevance (words,), relative to the strongest; None for hardly any.

    Red speaks for the target, blue against it; without negative values one hue from light to dark.
    """
    values = relevance.nan_to_num().double()
    strongest = float(values.abs().max()) if len(values) else 0.0
    shares = (values / strongest).tolist() if strongest > 0 else [0.0] * len(values)
    signed = bool((values < 0).any())
    return [_color(share, signed) if abs(share) >= FAINT else None for share in shares]


def ink(background: RGB) -> RGB:
    """Black or white, whichever reads better on a background (relative luminance of sRGB)."""
    linear = [(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in (v / 255 for v in background)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def _color(share: float, signed: bool) -> RGB:
    red, green, blue, _ = _map("RdBu_r" if signed else "Oranges")(0.5 + share / 2 if signed else 0.85 * share)
    return round(255 * red), round(255 * green), round(255 * blue)


@cache
def _map(name: str):  # type: ignore[no-untyped-def]
    from matplotlib import colormaps

    return colormaps[name]
