"""Which words of an answer are worth a map of their own."""

from __future__ import annotations

from collections.abc import Sequence

FUNCTION_WORDS = frozenset(
    (
        *("a", "an", "the", "and", "or", "but", "of", "on", "in", "at", "to", "from", "with", "by", "for", "as", "not"),
        *("is", "are", "was", "were", "be", "been", "it", "its", "this", "that", "these", "those", "there", "here"),
        *("he", "she", "they", "his", "her", "their", "i", "you", "we", "my", "your", "our"),
    )
)
"""English words that say how others belong together."""

MOST = 15
"""Maps in one figure."""


def content_words(words: Sequence[str]) -> list[int]:
    """Indices of the words that say something, punctuation left out, at most fifteen; all where none does."""
    said = [
        index
        for index, word in enumerate(words)
        if any(letter.isalnum() for letter in word) and word.lower() not in FUNCTION_WORDS
    ]
    return (said or list(range(len(words))))[:MOST]
