"""What each word of a prompt adds, as figures and cards show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from whylight.models.preprocessing import Frame, place_in_picture
from whylight.pictures.word_colors import ColoredWord, colored_words
from whylight.pictures.word_shares import WordShares

SIGNED = "RdBu_r"
"""Colours of maps with a sign: red adds, blue takes away."""


@dataclass(frozen=True)
class WordMap:
    """One word of a prompt.

    Attributes:
        word: on the colour of its part in the score.
        said: that part, with its standard error where orders were sampled; and the word's share of all that the words
            change in the map.
        heat: (height, width) of the picture, in [-1, 1], on the word's own scale.
    """

    word: ColoredWord
    said: str
    heat: npt.NDArray[np.float32]

    @property
    def text(self) -> str:
        return self.word.word.text


def word_maps(shares: WordShares, frame: Frame) -> list[WordMap]:
    """Of each word of a prompt.

    Args:
        frame: which part of the picture the model saw.
    """
    placed = place_in_picture(shares.beyond_rounding.nan_to_num().float(), frame)
    greatest, sums = placed.abs().flatten(1).amax(1), placed.abs().flatten(1).sum(1)
    heats = placed / greatest.clamp(min=1e-30)[:, None, None]
    portions = (100 * sums / sums.sum().clamp(min=1e-30)).tolist()
    errors = shares.score_errors or (None,) * len(shares)
    words = colored_words(shares.words, torch.tensor(shares.scores))
    return [
        WordMap(
            word,
            f"{score:+.3f}" + ("" if error is None else f" ± {error:.3f}") + f" · {portion:.0f} % of map",
            heat.numpy(),
        )
        for word, heat, score, error, portion in zip(words, heats, shares.scores, errors, portions, strict=True)
    ]


def said_without(shares: WordShares) -> str:
    """The score of the empty prompt in words, and whether orders of words were sampled."""
    sampled = "" if shares.score_errors is None else " · sampled orders of words, ± standard error"
    return f"without any word {shares.score_of_no_word:.3f}{sampled}"
