"""What training says about pictures: captions, altered captions, and every phrase with whether it is true, of the
picture or of one object."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import torch

from whylight.scenes.captions import Attributes, describe, phrase
from whylight.scenes.draw import COLORS, TEXTURES
from whylight.scenes.ground import GROUNDS
from whylight.scenes.shapes import KINDS
from whylight.scenes.vocabulary import SceneTokenizer

_NAMES: tuple[tuple[str, ...], ...] = (TEXTURES, tuple(COLORS), KINDS)
_PREFIXES = ("", "", "", "", "a picture of ", "a photo of ", "there is ")


class Phrases:
    """All phrases that name some of texture, colour and kind (467 of them), ready as tokens."""

    def __init__(self) -> None:
        choices = [(None, *range(len(names))) for names in _NAMES]
        named = [c for c in product(*choices) if any(part is not None for part in c)]
        self._wanted = np.array([[-1 if part is None else part for part in c] for c in named])
        tokenizer = SceneTokenizer()
        wordings = [[_word(way, c) for c in named] for way in ("a", "the", "bare")]
        self._tokens = torch.stack([tokenizer(texts, context_length=6) for texts in wordings])

        same = (self._wanted[:, None] == self._wanted[None]) & (self._wanted[:, None] >= 0)
        count = (self._wanted >= 0).sum(1)
        self.likeness = torch.from_numpy(same.sum(-1) / np.sqrt(count[:, None] * count[None])).float()

    def __len__(self) -> int:
        return len(self._wanted)

    def tokens(self, random: np.random.Generator) -> torch.Tensor:
        """(phrases, 6) int64: each phrase in one of its wordings."""
        wording = random.choice(len(self._tokens), len(self), p=(0.6, 0.2, 0.2))
        return self._tokens[torch.from_numpy(wording), torch.arange(len(self))]

    def truth(self, objects: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """(scenes, 5, 3) objects to (scenes, phrases): whether any object of the scene is what the phrase names."""
        return np.asarray(self.truth_of_each(objects).any(1))

    def truth_of_each(self, objects: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
        """(scenes, 5, 3) objects to (scenes, 5, phrases): whether the object is what the phrase names."""
        wanted = self._wanted[None, None]
        fits = ((wanted < 0) | (wanted == objects[:, :, None, :])).all(-1) & (objects[:, :, None, 0] >= 0)
        return np.asarray(fits)


def _word(way: str, choice: tuple[int | None, ...]) -> str:
    """ "a red star", "the red star" or "red star"; where no kind is named, "something red" or "a red object"."""
    texture, color, kind = (None if c is None else names[c] for c, names in zip(choice, _NAMES, strict=True))
    if kind is None:
        return phrase({"a": None, "the": "object", "bare": "shape"}[way], color, texture)
    said = phrase(kind, color, texture)
    return said if way == "a" else said.split(" ", 1)[1] if way == "bare" else f"the {said.split(' ', 1)[1]}"


def captions(
    objects: npt.NDArray[np.int8], grounds: npt.NDArray[np.int8], random: np.random.Generator, altered: int
) -> list[list[str]]:
    """For each scene a true caption, then ``altered`` false ones that differ from it in one object.

    Objects come in any order; plain ones are not always called plain, and the ground is not always named."""
    rows = []
    for items, ground in zip(objects, grounds, strict=True):
        present = [tuple(int(v) for v in item) for item in items if item[0] >= 0]
        order = random.permutation(len(present))
        present = [present[i] for i in order]
        textured, grounded = random.random() < 0.75, random.random() < 0.75
        prefix = _PREFIXES[int(random.integers(len(_PREFIXES)))]
        versions = [present] + [_alter(present, random, textured) for _ in range(altered)]
        rows.append([prefix + _say(v, GROUNDS[ground] if grounded else None, textured) for v in versions])
    return rows


def _alter(objects: list[tuple[int, ...]], random: np.random.Generator, textured: bool) -> list[tuple[int, ...]]:
    """Change one attribute of one object to another value, or let two objects swap one in which they differ."""
    changed = [list(item) for item in objects]
    attribute = int(random.integers(0 if textured else 1, 3))
    first = int(random.integers(len(objects)))
    others = [i for i, item in enumerate(objects) if item[attribute] != objects[first][attribute]]
    if others and random.random() < 0.5:
        second = others[int(random.integers(len(others)))]
        changed[first][attribute], changed[second][attribute] = objects[second][attribute], objects[first][attribute]
        named = slice(0 if textured else 1, 3)
        if sorted(item[named] for item in changed) != sorted(list(item[named]) for item in objects):
            return [tuple(item) for item in changed]
        changed = [list(item) for item in objects]
    count = len(_NAMES[attribute])
    changed[first][attribute] = (objects[first][attribute] + int(random.integers(1, count))) % count
    return [tuple(item) for item in changed]


def _say(objects: list[tuple[int, ...]], ground: str | None, textured: bool) -> str:
    named: list[Attributes] = [
        (TEXTURES[texture] if textured else "", _NAMES[1][color], KINDS[kind]) for texture, color, kind in objects
    ]
    return describe(named, ground)
