"""Words of a caption: which of them name what is annotated in the picture, and which only hold others together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from whylight.answers.content import FUNCTION_WORDS

_IRREGULAR = {"person": "people", "mouse": "mice"}


@dataclass(frozen=True)
class Mention:
    """A class that a caption names: the data set's name of it, and indices of the words that say it."""

    label: str
    words: tuple[int, ...]


def mentions(words: Sequence[str], classes: Mapping[str, str]) -> list[Mention]:
    """Where a caption names classes, in singular or plural; of names that overlap the longest.

    Args:
        classes: the data set's name of each class that counts to its name in words ("traffic light").
    """
    names = [(label, name.lower().split()) for label, name in classes.items()]
    names.sort(key=lambda each: -len(each[1]))
    said, found, index = [word.lower() for word in words], [], 0
    while index < len(said):
        label, length = _named(said[index:], names)
        if label is not None:
            found.append(Mention(label, tuple(range(index, index + length))))
        index += length
    return found


def function_words(words: Sequence[str]) -> list[int]:
    """Indices of a caption's function words."""
    return [index for index, word in enumerate(words) if word.lower() in FUNCTION_WORDS]


def _named(said: Sequence[str], names: Iterable[tuple[str, list[str]]]) -> tuple[str | None, int]:
    """The class whose name the words begin with, and how many words that takes."""
    for label, name in names:
        begun = said[: len(name)]
        if len(begun) == len(name) and begun[:-1] == name[:-1] and begun[-1] in _forms(name[-1]):
            return label, len(name)
    return None, 1


def _forms(name: str) -> set[str]:
    """A noun and what its plural may be."""
    return {name, f"{name}s", f"{name}es", f"{name[:-1]}ies", f"{name[:-2]}ves", _IRREGULAR.get(name, name)}
