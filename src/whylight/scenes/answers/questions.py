"""Questions about scenes, their answers, and which objects each answer is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whylight.scenes.captions import describe, phrase
from whylight.scenes.draw import COLORS
from whylight.scenes.shapes import KINDS

Kind = Literal["color", "what", "texture", "yes", "no", "count", "describe"]
QUESTION_KINDS: tuple[Kind, ...] = ("color", "what", "texture", "yes", "no", "count", "describe")
COUNTS = ("one", "two", "three", "four", "five")


@dataclass(frozen=True)
class Seen:
    """What a question needs to know of an object: ``left`` orders the objects of a description."""

    texture: str
    color: str
    kind: str
    left: float


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Attributes:
        about: indices of the objects that the answer is read from; empty where it is about the whole picture or about
            an object that is not there.
    """

    kind: Kind
    text: str
    answer: str
    about: tuple[int, ...]


def ask(kind: Kind, objects: Sequence[Seen], random: np.random.Generator) -> Question | None:
    """A question of a kind that has one answer; None where the scene allows none."""
    return _ASKED[kind](objects, random)


def _named(objects: Sequence[Seen], random: np.random.Generator) -> tuple[str, int] | None:
    """A kind that one object alone has, and which: ("ring", 2)."""
    index = int(random.integers(len(objects)))
    if [o.kind for o in objects].count(objects[index].kind) != 1:
        return None
    return objects[index].kind, index


def _color(objects: Sequence[Seen], random: np.random.Generator) -> Question | None:
    named = _named(objects, random)
    return named and Question("color", f"what color is the {named[0]}", objects[named[1]].color, (named[1],))


def _texture(objects: Sequence[Seen], random: np.random.Generator) -> Question | None:
    named = _named(objects, random)
    return named and Question("texture", f"what texture has the {named[0]}", objects[named[1]].texture, (named[1],))


def _what(objects: Sequence[Seen], random: np.random.Generator) -> Question | None:
    index = int(random.integers(len(objects)))
    color = objects[index].color
    if [o.color for o in objects].count(color) != 1:
        return None
    return Question("what", f"what is {color}", objects[index].kind, (index,))


def _yes(objects: Sequence[Seen], random: np.random.Generator) -> Question:
    chosen = objects[int(random.integers(len(objects)))]
    about = tuple(i for i, o in enumerate(objects) if (o.color, o.kind) == (chosen.color, chosen.kind))
    return Question("yes", f"is there {phrase(chosen.kind, chosen.color)}", "yes", about)


def _no(objects: Sequence[Seen], random: np.random.Generator) -> Question:
    """Mostly with parts that are there: colour and kind of different objects, or one of the two."""
    there = {(o.color, o.kind) for o in objects}
    while True:
        way = random.random()
        color, kind = str(random.choice(list(COLORS))), str(random.choice(KINDS))
        if way < 0.75:
            kind = objects[int(random.integers(len(objects)))].kind
        if way < 0.45 or way > 0.9:
            color = objects[int(random.integers(len(objects)))].color
        if way < 0.45 and (color, kind) in there:
            kind = str(random.choice(KINDS))
        if (color, kind) not in there:
            return Question("no", f"is there {phrase(kind, color)}", "no", ())


def _count(objects: Sequence[Seen], random: np.random.Generator) -> Question:
    return Question("count", "how many objects are there", COUNTS[len(objects) - 1], tuple(range(len(objects))))


def _describe(objects: Sequence[Seen], random: np.random.Generator) -> Question:
    """All objects, from left to right."""
    order = sorted(range(len(objects)), key=lambda i: objects[i].left)
    said = describe([(objects[i].texture, objects[i].color, objects[i].kind) for i in order])
    return Question("describe", "describe the picture", said, tuple(order))


_ASKED: dict[Kind, Callable[[Sequence[Seen], np.random.Generator], Question | None]] = {
    "color": _color,
    "what": _what,
    "texture": _texture,
    "yes": _yes,
    "no": _no,
    "count": _count,
    "describe": _describe,
}
