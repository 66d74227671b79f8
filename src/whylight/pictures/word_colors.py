"""Words of a text on the colours of their relevance: one hue, two that diverge where relevance is signed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from torch import Tensor

from whylight.models.words import Word

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

RGB = tuple[int, int, int]
FAINT = 0.02
"""Words below this share of the strongest one stay uncoloured."""


@dataclass(frozen=True)
class ColoredWord:
    """A word and its background.

    Attributes:
        word: where it stands in the text.
        relevance: NaN where the model did not read so far.
        color: None for hardly any relevance.
    """

    word: Word
    relevance: float
    color: RGB | None

    @property
    def read(self) -> bool:
        return not math.isnan(self.relevance)


@dataclass(frozen=True)
class ColoredText:
    """A text as one target sees it: its name, its score in words, and the text's words in order.

    Attributes:
        second: where the second sentence of a pair begins, None for a single text.
    """

    name: str
    said: str
    text: str
    words: list[ColoredWord]
    second: int | None = None

    @property
    def sentences(self) -> list[tuple[int, int]]:
        """Where the text, or each sentence of a pair, stands: from its first character to behind its last."""
        whole = len(self.text)
        return [(0, whole)] if self.second is None else [(0, self.second - 1), (self.second, whole)]


def colored_words(words: Sequence[Word], relevance: Tensor) -> list[ColoredWord]:
    """Words with their colours, from their relevance (words,)."""
    return [
        ColoredWord(word, value, color)
        for word, value, color in zip(words, relevance.tolist(), colors(relevance), strict=True)
    ]


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


def hexadecimal(color: RGB) -> str:
    """A colour as style sheets write it."""
    return "#" + "".join(f"{channel:02x}" for channel in color)


def _color(share: float, signed: bool) -> RGB:
    red, green, blue, _ = _map("RdBu_r" if signed else "Oranges")(0.5 + share / 2 if signed else 0.85 * share)
    return round(255 * red), round(255 * green), round(255 * blue)


@cache
def _map(name: str) -> Colormap:
    from matplotlib import colormaps

    return colormaps[name]
