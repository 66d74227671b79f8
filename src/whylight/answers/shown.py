"""An answer as figures and pages draw it: plain data, word by word."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class ShownWord:
    """A word of the answer.

    Attributes:
        word: as the model said it.
        told: how likely it is and what it owes to the picture, in a few words.
        follows: it follows from the text, and is shown pale.
        maps: for each picture (H, W) float32 in [0, 1].
        text_relevance: (context,); NaN behind the word.
    """

    word: str
    told: str
    follows: bool
    maps: tuple[Tensor, ...]
    text_relevance: Tensor


@dataclass(frozen=True)
class ShownAnswer:
    """The answer, with what was asked and what the model had read.

    Attributes:
        question, text: the question, and the whole answer.
        about: model and method.
        rather_than: the other word, where the difference to it was explained.
        pictures: upright, RGB, of the size of the maps.
        context: the words that the model had read.
        words: those that were explained.
    """

    question: str
    text: str
    about: str
    rather_than: str | None
    pictures: tuple[Image.Image, ...]
    context: tuple[str, ...]
    words: tuple[ShownWord, ...]
