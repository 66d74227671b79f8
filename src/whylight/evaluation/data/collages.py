"""Collages for the grid pointing game, out of any data set with one class per picture."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Region, Sample, Source
from whylight.evaluation.data.files import fingerprint
from whylight.evaluation.grid_pointing import cells, collage


class Labelled(Protocol):
    """A source of pictures with one class each, told without opening them."""

    name: str
    classes: dict[str, str]

    @property
    def template(self) -> str | None: ...

    def __len__(self) -> int: ...
    def read(self, index: int) -> Sample: ...
    def label(self, index: int) -> str: ...
    def fingerprint(self) -> str: ...


class Collages(Source):
    """Side x side pictures of different classes each, chosen by a fixed seed; the box of every class is its cell.

    Args:
        pictures: where they come from.
        side: pictures along each side.
        size: height and width of the collage: the model's input, so that nothing is scaled twice.
        count: how many; by default as many as there are pictures for.

    Raises:
        BadInput: fewer classes than cells.
    """

    def __init__(self, pictures: Labelled, side: int, size: tuple[int, int], count: int | None = None) -> None:
        self._pictures, self._side, self._size = pictures, side, size
        self.name = f"{side} x {side} collages of {pictures.name}"
        self.classes = pictures.classes
        self.template = pictures.template
        self._chosen = _choose([pictures.label(i) for i in range(len(pictures))], side * side, count)
        self.names = [f"{number:05d}" for number in range(len(self._chosen))]

    def read(self, index: int) -> Sample:
        samples = [self._pictures.read(i) for i in self._chosen[index]]
        whole = collage([sample.picture for sample in samples], self._side, self._size)
        regions = tuple(
            Region(sample.regions[0].label, box=box)
            for sample, box in zip(samples, cells(self._side, self._size), strict=True)
        )
        return Sample(self.names[index], whole, regions)

    def fingerprint(self) -> str:
        return fingerprint(self._pictures.fingerprint(), str((self._side, self._size, self._chosen)))


def _choose(labels: list[str], cells_each: int, count: int | None) -> list[list[int]]:
    """For every collage, pictures of different classes."""
    by_class: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        by_class.setdefault(label, []).append(index)
    if len(by_class) < cells_each:
        raise BadInput(f"collages of {cells_each} pictures need as many classes, and there are {len(by_class)}")
    random = np.random.default_rng(0)
    pools = list(by_class.values())
    chosen = []
    for _ in range(count or max(1, len(labels) // cells_each)):
        classes = random.choice(len(pools), cells_each, replace=False)
        chosen.append([int(random.choice(pools[c])) for c in classes])
    return chosen
