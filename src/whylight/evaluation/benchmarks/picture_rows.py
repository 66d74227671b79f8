"""From pictures to rows: one for each (picture, explained class, method)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.benchmark import Batch, Benchmark, Explained, Item
from whylight.evaluation.benchmarks.rows import COLUMNS, NOT_FINITE, Row, Skipped
from whylight.evaluation.data.data_set import Source, Unusable
from whylight.evaluation.explaining import Choice, grid_of, maps_of
from whylight.evaluation.heads import Head
from whylight.evaluation.perturbation import black_of
from whylight.models.preprocessing import Preprocessing
from whylight.models.view import View
from whylight.passes.sharing import shared_passes


@dataclass(frozen=True)
class Prepared:
    """A picture, ready for the model: pixels (3, height, width), and (label, truth) of each region."""

    name: str
    pixels: Tensor
    asked: tuple[tuple[str, Any], ...]


def input_of(view: View) -> Preprocessing:
    """How benchmarks prepare pictures: squashed to the model's input size, bilinear, as the protocols say.

    What the patches leave over of that size is cut off it, so that maps cover the whole picture.

    Raises:
        UnsupportedModel: the model reads no pictures.
    """
    if view.preprocessing is None:
        raise UnsupportedModel(f"{view.name} reads no pictures: benchmarks are for picture models")
    rows, columns = (
        side - side % patch for side, patch in zip(view.preprocessing.size, view.preprocessing.patch, strict=True)
    )
    return replace(view.preprocessing.resized((rows, columns), "squash"), crop_fraction=1.0, interpolation="bilinear")


def prepare(source: Source, index: int, benchmark: Benchmark, preprocessing: Preprocessing) -> Prepared | Skipped:
    """Read a picture and what is asked of it; runs in the decoding workers."""
    try:
        sample = source.read(index)
    except Unusable as error:
        return Skipped(source.names[index], str(error))
    truths = ((region.label, benchmark.truth(sample, region, preprocessing.size)) for region in sample.regions)
    asked = tuple((label, truth) for label, truth in truths if truth is not None)
    if not asked:
        return Skipped(sample.name, "nothing in it can be asked for (every region is empty at the model's size)")
    return Prepared(sample.name, preprocessing(sample.picture)[0], asked)


class RowMaker:
    """Explains prepared pictures with every chosen method and measures the maps.

    One call of a method serves all pictures of a batch and all their classes; methods that drive the model in the same
    way share one pass.
    """

    def __init__(
        self, view: View, head: Head, benchmark: Benchmark, choices: Sequence[Choice], explained: Sequence[Explained]
    ) -> None:
        self.view, self.head, self.benchmark = view, head, benchmark
        self.choices, self.explained = choices, explained
        self.columns = COLUMNS | benchmark.columns
        self.preprocessing = input_of(view)
        self.grid = grid_of(view, self.preprocessing.size)

    def reader(self, source: Source) -> Callable[[int], Prepared | Skipped]:
        """What reads a picture by its number; without the model, so that it can run in other processes."""
        return partial(prepare, source, benchmark=self.benchmark, preprocessing=self.preprocessing)

    def rows(self, pictures: Iterable[Prepared | Skipped]) -> list[Row]:
        """Rows of a batch; a picture that cannot be used has one row that says why."""
        rows: list[Row] = []
        usable: list[Prepared] = []
        for picture in pictures:
            refusal = picture.reason if isinstance(picture, Skipped) else self.refusal(picture)
            if isinstance(picture, Skipped) or refusal:
                rows.append({"picture": picture.name, "skipped": refusal})
            else:
                usable.append(picture)
        return rows + self._measured(usable) if usable else rows

    def refusal(self, picture: Prepared) -> str | None:
        """Why a picture cannot be used; None where it can."""
        for label, _ in picture.asked:
            if self.benchmark.needs_class and self.head.index(label) is None:
                return f"the model has no class {label}"
            if "target" in self.explained and not self.head.knows(label):
                return f"the model has no class {label}"
        if "predicted" in self.explained and len(picture.asked) > 1:
            return "it holds several classes, so the predicted one is not what is asked for"
        return None

    def _measured(self, pictures: list[Prepared]) -> list[Row]:
        predicted = self._predicted(pictures)
        # Some methods look at all classes of a picture together, so none is added to fill a batch up: pictures with
        # equally many classes go together.
        groups: dict[int, list[tuple[Prepared, str | None, list[str]]]] = {}
        for picture, guess in zip(pictures, predicted, strict=True):
            wanted = self._wanted(picture, guess)
            groups.setdefault(len(wanted), []).append((picture, guess, wanted))
        return [row for group in groups.values() for row in self._explained(group)]

    def _explained(self, group: list[tuple[Prepared, str | None, list[str]]]) -> list[Row]:
        pixels = self.place([picture for picture, _, _ in group])
        batch = Batch(pixels, black_of(self.preprocessing, pixels), self.head)
        targets = self.head.targets([wanted for _, _, wanted in group])
        keys = [[f"{picture.name}\0{label}" for label in wanted] for picture, _, wanted in group]
        rows: list[Row] = []
        with shared_passes():
            for choice in self.choices:
                maps = maps_of(choice, self.view, pixels, targets, self.grid, keys)
                rows += self._rows_of(choice, batch, group, maps)
        return rows

    def place(self, pictures: list[Prepared]) -> Tensor:
        """Pixels (batch, 3, height, width) on the model's device and in its dtype."""
        placed = self.view.place(torch.stack([picture.pixels for picture in pictures]))
        assert isinstance(placed, Tensor)
        return placed

    def wanted(self, picture: Prepared) -> list[str]:
        """What is explained in a picture, each class once."""
        return self._wanted(picture, self._predicted([picture])[0])

    def _wanted(self, picture: Prepared, predicted: str | None) -> list[str]:
        labels = [label for label, _ in picture.asked] if "target" in self.explained else []
        return list(dict.fromkeys(labels + ([predicted] if predicted is not None else [])))

    def _stored(self, scores: Tensor) -> npt.NDArray[np.float32]:
        """The map as rows hold it, one value per patch: maps of pixels are averaged."""
        patches = scores if scores.shape == self.grid else F.adaptive_avg_pool2d(scores[None], self.grid)[0]
        values: npt.NDArray[np.float32] = patches.flatten().numpy()
        return values

    def _predicted(self, pictures: list[Prepared]) -> list[str | None]:
        if "predicted" not in self.explained:
            return [None] * len(pictures)
        return [self.head.label(int(index)) for index in self.head.predict(self.place(pictures))]

    def _rows_of(
        self, choice: Choice, batch: Batch, group: list[tuple[Prepared, str | None, list[str]]], maps: Tensor
    ) -> list[Row]:
        """Rows of one method: a class that is both target and prediction is measured once."""
        keyed: dict[tuple[int, int, int], Item] = {}
        rows: list[tuple[Row, tuple[int, int, int]]] = []
        for position, (picture, predicted, wanted) in enumerate(group):
            for region, (label, truth) in enumerate(picture.asked):
                for explained in self.explained:
                    shown = label if explained == "target" else predicted
                    assert shown is not None
                    place = (position, region, wanted.index(shown))
                    scores = maps[position, place[2]]
                    row: Row = {
                        "picture": picture.name,
                        "explained": explained,
                        "label": label,
                        "shown": shown,
                        "method": choice.label,
                        "relevance": self._stored(scores),
                    }
                    if bool(torch.isfinite(scores).all()):
                        keyed.setdefault(place, Item(position, label, truth))
                    else:
                        row["skipped"] = NOT_FINITE
                    rows.append((row, place))
        measured: list[Row] = []
        if keyed:
            chosen = torch.stack([maps[position, target] for position, _, target in keyed])
            measured = self.benchmark.measure(batch, list(keyed.values()), chosen)
        by_place = dict(zip(keyed, measured, strict=True))
        return [row | by_place.get(place, {}) for row, place in rows]
