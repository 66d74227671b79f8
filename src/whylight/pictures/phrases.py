"""A prompt as the words, or phrases in parentheses, that may be left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whylight.errors import BadInput
from whylight.models.words import Word, split_words

MOST = 64
"""More words than text towers read."""
_AND = " and "


@dataclass(frozen=True)
class Phrases:
    """A prompt and its parts.

    Attributes:
        prompt: what the model reads: without the parentheses that group words.
        parts: words and phrases in order, places in ``prompt``. Punctuation belongs to the word before it.
        between: what joins the parts of a list, whichever are left of it; "" of a text that words are left out of.
    """

    prompt: str
    parts: tuple[Word, ...]
    between: str = ""

    def text(self, kept: Sequence[bool]) -> str:
        """The prompt without the parts that are not kept: words are left out of the text, not masked."""
        if all(kept):
            return self.prompt
        if self.between:
            return self.between.join(part.text for part, here in zip(self.parts, kept, strict=True) if here)
        text = ""
        for part, here in zip(self.parts, kept, strict=True):
            if here:
                spaced = text and self.prompt[: part.start][-1:].isspace()
                text += " " + part.text if spaced else part.text
        return text


def phrases_of(prompt: str) -> Phrases:
    """The words of a prompt; ``"(a red ring) and (a blue star)"`` has three parts.

    Raises:
        BadInput: parentheses that do not close, hold one another or hold nothing; no word; too many.
    """
    text, groups = _without_parentheses(prompt)
    words = [word for word in split_words(text) if not _inside(word, groups)]
    parts: list[Word] = []
    for word in sorted([*words, *groups], key=lambda part: part.start):
        if not parts or word in groups or any(letter.isalnum() for letter in word.text):
            parts.append(word)
        else:  # punctuation
            parts[-1] = Word(text[parts[-1].start : word.end], parts[-1].start, word.end)
    if not parts:
        raise BadInput('a prompt is empty: say what to look for, e.g. "a cat"')
    if len(parts) > MOST:
        raise BadInput(f"{prompt[:40]!r}... has {len(parts)} words, more than {MOST}: group some in parentheses")
    return Phrases(text, tuple(parts))


def joined(names: Sequence[str]) -> Phrases:
    """Names as one prompt, "a ring and a star": each is a part, and each "and" comes and goes with them."""
    parts: list[Word] = []
    for name in names:
        start = parts[-1].end + len(_AND) if parts else 0
        parts.append(Word(name, start, start + len(name)))
    return Phrases(_AND.join(names), tuple(parts), _AND)


def _inside(word: Word, groups: Sequence[Word]) -> bool:
    return any(group.start <= word.start < group.end for group in groups)


def _without_parentheses(prompt: str) -> tuple[str, list[Word]]:
    """The prompt's text, and what stood in parentheses."""
    text, opened = "", None
    groups: list[Word] = []
    wrong = BadInput(f"{prompt!r}: parentheses group words into phrases: they close, and hold words, not one another")
    for letter in prompt:
        if letter == "(":
            if opened is not None:
                raise wrong
            opened = len(text)
        elif letter == ")":
            if opened is None or not text[opened:].strip():
                raise wrong
            begins = opened + len(text[opened:]) - len(text[opened:].lstrip())
            phrase = text[begins:].rstrip()
            groups.append(Word(phrase, begins, begins + len(phrase)))
            opened = None
        else:
            text += letter
    if opened is not None:
        raise wrong
    return text, groups
