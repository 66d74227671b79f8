"""The bundled scenes as a data set: endless, offline, with the truth exactly known."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
from PIL import Image

from whylight.evaluation.data.data_set import Mask, Points, Region, Sample, Source
from whylight.evaluation.data.files import fingerprint
from whylight.scenes import FIRST_EVALUATION_SEED, Scene, draw_scene
from whylight.scenes.captions import phrase
from whylight.scenes.draw import COLORS, TEXTURES, SceneObject
from whylight.scenes.shapes import KINDS

Truth = Literal["masks", "points", "color", "kinds", "pairs", "counts"]
_POINTS_EACH = 4
_MOST = 4
_APART = 10**6
"""Between the seeds that are tried for a scene whose objects are all of different kinds."""


class Scenes(Source):
    """Drawn scenes that no bundled model was trained on.

    Args:
        count: how many.
        truth: "masks" and "points": two to five objects, each class one full phrase ("a striped red circle"); points
            are four on the object and as many each on other objects and on the ground. "color": one object, whose
            class is its colour ("something red"). "kinds": masks of two to five objects, each class a kind ("circle").
            "pairs": two objects, each one full phrase. "counts": one to four objects in turn, all of different kinds,
            each called by it ("a star").
    """

    template: str | None = "{}"

    def __init__(self, count: int = 1000, truth: Truth = "masks") -> None:
        self.name = "scenes"
        self.truth = truth
        self._objects = {"color": (1, 1), "pairs": (2, 2)}.get(truth, (2, 5))
        self._first = FIRST_EVALUATION_SEED
        self.names = [str(self._first + i) for i in range(count)]
        named = KINDS if truth == "kinds" else [phrase(color=color) for color in COLORS]
        self.classes = {name: name for name in named}

    def read(self, index: int) -> Sample:
        scene = self._scene(index)
        picture = Image.fromarray(scene.picture)
        if self.truth == "color":
            thing = scene.objects[0]
            return Sample(self.names[index], picture, (Region(phrase(color=thing.color), mask=_labelled(thing.mask)),))
        masks: dict[str, Mask] = {}
        for thing in scene.objects:
            label = self._called(thing)
            masks[label] = np.maximum(masks.get(label, 0), _labelled(thing.mask))
        if self.truth != "points":
            return Sample(self.names[index], picture, tuple(Region(label, mask=m) for label, m in masks.items()))
        anything = np.any(np.stack(list(masks.values())) == 1, axis=0)
        regions = (Region(label, points=_points(mask == 1, anything, scene.seed)) for label, mask in masks.items())
        return Sample(self.names[index], picture, tuple(regions))

    def absent(self, sample: Sample) -> str | None:
        """An object of a kind and colour that no object of the scene has."""
        said = {word for region in sample.regions for word in region.label.split()}
        random = np.random.default_rng(int(sample.name))
        kind, color = (str(random.choice([word for word in words if word not in said])) for words in (KINDS, COLORS))
        return phrase(kind, color, str(random.choice(TEXTURES)))

    def label(self, index: int) -> str:
        """The class of a scene of one object."""
        return phrase(color=self._scene(index).objects[0].color)

    def fingerprint(self) -> str:
        first = self._scene(0)
        return fingerprint(self.truth, str(len(self)), first.picture.tobytes(), first.caption)

    def _called(self, thing: SceneObject) -> str:
        if self.truth == "kinds":
            return thing.kind
        return phrase(thing.kind) if self.truth == "counts" else phrase(thing.kind, thing.color, thing.texture)

    def _scene(self, index: int) -> Scene:
        if self.truth != "counts":
            return draw_scene(self._first + index, objects=self._objects)
        count = index % _MOST + 1
        tries = (
            draw_scene(self._first + index + _APART * number, objects=(count, count)) for number in itertools.count()
        )
        return next(scene for scene in tries if len({thing.kind for thing in scene.objects}) == count)


def _labelled(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Mask:
    labelled: Mask = mask.astype(np.int8)
    return labelled


def _points(
    here: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    anything: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    seed: int,
) -> Points:
    """Points at random pixels of the object, of other objects and of the ground; the same for the same scene."""
    random = np.random.default_rng([seed, int(here.sum())])
    places, answers = [], []
    for area, answer in ((here, True), (anything & ~here, False), (~anything, False)):
        pixels = np.flatnonzero(area)
        if len(pixels):
            places.append(random.choice(pixels, _POINTS_EACH))
            answers += [answer] * _POINTS_EACH
    rows, columns = np.unravel_index(np.concatenate(places), here.shape)
    height, width = here.shape
    x, y = ((columns + 0.5) / width).astype(np.float32), ((rows + 0.5) / height).astype(np.float32)
    return Points(x, y, np.array(answers))
