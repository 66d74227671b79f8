"""The bundled scenes as a data set: endless, offline, with the truth exactly known."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from whylight.evaluation.data.data_set import Mask, Points, Region, Sample, Source
from whylight.evaluation.data.files import fingerprint
from whylight.scenes import FIRST_EVALUATION_SEED, Scene, draw_scene
from whylight.scenes.captions import phrase
from whylight.scenes.draw import COLORS
from whylight.scenes.shapes import KINDS

Truth = Literal["masks", "points", "color", "kinds"]
_POINTS_EACH = 4


class Scenes(Source):
    """Drawn scenes that no bundled model was trained on.

    Args:
        count: how many.
        truth: "masks" and "points": two to five objects, each class one full phrase ("a striped red circle"); points
            are four on the object and as many each on other objects and on the ground. "color": one object, whose
            class is its colour ("something red"). "kinds": masks of two to five objects, each class a kind ("circle").
    """

    template: str | None = "{}"

    def __init__(self, count: int = 1000, truth: Truth = "masks") -> None:
        self.name = "scenes"
        self.truth = truth
        self._objects = (1, 1) if truth == "color" else (2, 5)
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
            label = thing.kind if self.truth == "kinds" else phrase(thing.kind, thing.color, thing.texture)
            masks[label] = np.maximum(masks.get(label, 0), _labelled(thing.mask))
        if self.truth in ("masks", "kinds"):
            return Sample(self.names[index], picture, tuple(Region(label, mask=m) for label, m in masks.items()))
        anything = np.any(np.stack(list(masks.values())) == 1, axis=0)
        regions = (Region(label, points=_points(mask == 1, anything, scene.seed)) for label, mask in masks.items())
        return Sample(self.names[index], picture, tuple(regions))

    def label(self, index: int) -> str:
        """The class of a scene of one object."""
        return phrase(color=self._scene(index).objects[0].color)

    def fingerprint(self) -> str:
        first = self._scene(0)
        return fingerprint(self.truth, str(len(self)), first.picture.tobytes(), first.caption)

    def _scene(self, index: int) -> Scene:
        return draw_scene(self._first + index, objects=self._objects)


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
