"""The bundled models' tokenizer: one token for each of a few dozen words."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch

from whylight.scenes.draw import COLORS, TEXTURES
from whylight.scenes.ground import GROUNDS
from whylight.scenes.shapes import KINDS

CONTEXT_LENGTH = 32
_SAID = (
    "a",
    "an",
    "and",
    "the",
    "on",
    "of",
    "there",
    "is",
    "picture",
    "photo",
    "ground",
    "something",
    "object",
    "shape",
)
_WORDS = (*_SAID, *KINDS, *COLORS, *GROUNDS, *TEXTURES)
_PAD, _UNKNOWN, _START = 0, 1, 2
_FIRST_WORD = 3
_END = _FIRST_WORD + len(_WORDS)
VOCABULARY_SIZE = _END + 1


class SceneTokenizer:
    """Words to numbers for the bundled models; the end token has the largest, as OpenCLIP's text tower expects."""

    context_length = CONTEXT_LENGTH
    words: tuple[str, ...] = _WORDS
    """The words the models know."""

    def __init__(self) -> None:
        self._numbers = {word: _FIRST_WORD + i for i, word in enumerate(_WORDS)}

    def __call__(self, texts: str | Iterable[str], context_length: int | None = None) -> torch.Tensor:
        """Token numbers, (texts, context length) int64: start, words, end, padding; longer texts are cut."""
        length = context_length or self.context_length
        rows = []
        for text in [texts] if isinstance(texts, str) else texts:
            numbers = [self._numbers.get(word, _UNKNOWN) for word in split_words(text)][: length - 2]
            rows.append([_START, *numbers, _END] + [_PAD] * (length - 2 - len(numbers)))
        return torch.tensor(rows, dtype=torch.int64).reshape(-1, length)

    def decode(self, tokens: torch.Tensor) -> str:
        """The words of one row of tokens; unknown ones as "?"."""
        kept = [int(token) for token in tokens if int(token) not in (_PAD, _START, _END)]
        return " ".join("?" if token == _UNKNOWN else _WORDS[token - _FIRST_WORD] for token in kept)

    def unknown_words(self, text: str) -> list[str]:
        """The words of a prompt that the models have never seen, in order, each once."""
        return [word for word in dict.fromkeys(split_words(text)) if word not in self._numbers]


def split_words(text: str) -> list[str]:
    """Lower-case words; punctuation separates."""
    return re.findall(r"[^\W_]+", text.lower())
