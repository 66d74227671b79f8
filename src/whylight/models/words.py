"""Words of a text, whatever its script."""

from __future__ import annotations

from dataclasses import dataclass

import regex

Span = tuple[int, int]

# Scripts without spaces, whose words only a dictionary would tell: each character counts.
_SOLID = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_LETTER = rf"[\p{{L}}\p{{N}}\p{{Pc}}--[{_SOLID}]]"
# What belongs to the character before it: accents, vowel signs, joiners, variation selectors.
_MARKS = r"[\p{M}\u200c\u200d]*"
_WORD = regex.compile(
    rf"{_LETTER}{_MARKS}(?:{_LETTER}{_MARKS}|['’\u05f3\u05f4-](?={_LETTER}){_LETTER}{_MARKS})*|(?=\S)\X",
    regex.VERSION1,
)


@dataclass(frozen=True)
class Word:
    """A stretch of a text: ``text`` stands at characters ``start`` to ``end`` (exclusive)."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """Words and punctuation marks of a text; apostrophes and hyphens stay inside a word, marks and joiners with what
    they belong to. Of scripts that put no spaces between words (Chinese, Japanese, Thai, ...) each character counts."""
    return [Word(found.group(), *found.span()) for found in _WORD.finditer(text)]
