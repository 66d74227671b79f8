"""From pictures to rows: one for each (picture, explained class, method)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.errors import BadInput
from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.benchmarks.benchmark import Batch, Benchmark, Explained, Item
from whylight.evaluation.benchmarks.prepared_pictures import Prepared, prepare, preprocessing_of
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row, RowMaker, Skipped
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.heads import Head
from whylight.evaluation.method_choices import Choice
from whylight.evaluation.perturbation import black_of
from whylight.evaluation.raw_maps import maps_of
from whylight.methods import find_method
from whylight.models.scores import check_says_classes
from whylight.models.view import View
from whylight.passes.sharing import shared_passes


@dataclass(frozen=True)
class Question:
    """A picture, the class that the model sees in it (None where no row needs it), and all classes to be explained,
    each once."""

    picture: Prepared
    predicted: str | None
    classes: list[str]


class PictureRows(RowMaker[Prepared]):
    """Explains prepared pictures with every chosen method and measures the maps.

    One call of a method serves all pictures of a batch and all their classes; methods that drive the model in the same
    way share one pass.

    Raises:
        UnsupportedModel: the model reads no pictures, or gives values where the protocol needs classes.
        BadInput: the benchmark needs prompts, and the model is a classifier.
    """

    benchmark: Benchmark

    def __init__(
        self, view: View, head: Head, benchmark: Benchmark, choices: Sequence[Choice], explained: Sequence[Explained]
    ) -> None:
        if benchmark.needs_class and view.classifies:
            check_says_classes(view.name, view.scores)
        if benchmark.needs_prompts and view.classifies:
            raise BadInput(f"{benchmark.protocol} asks by prompts, and {view.name} is a classifier")
        self.view, self.head, self.benchmark = view, head, benchmark
        self.choices, self.explained = choices, explained
        self.templates = () if view.classifies else head.templates
        self.preprocessing = preprocessing_of(view)
        self.input_size = self.preprocessing.size
        with torch.no_grad():
            grid = view.begin(view.place(torch.zeros(1, view.channels, *self.input_size))).grid
        assert grid is not None, "models of pictures have one"
        self.grid = grid

    def reader(self, source: Source) -> Callable[[int], Prepared | Skipped]:
        return partial(prepare, source, benchmark=self.benchmark, preprocessing=self.preprocessing)

    def checked(self, read: Prepared | Skipped) -> Prepared | Skipped:
        if isinstance(read, Skipped):
            return read
        for label, _ in read.asked:
            no_class = self.benchmark.needs_class and self.head.index(label) is None
            if no_class or ("target" in self.explained and not self.head.knows(label)):
                return Skipped(read.name, f"the model has no class {label}")
        if "predicted" in self.explained and len(read.asked) > 1:
            return Skipped(read.name, "it holds several classes, so the predicted one is not what is asked for")
        return read

    def question(self, item: Prepared) -> tuple[Tensor, Tensor]:
        (question,) = self._questions([item])
        return self._pixels([item]), self.head.targets([question.classes])

    def measured(self, items: list[Prepared]) -> list[Row]:
        # Some methods look at all classes of a picture together, so none is added to fill a batch up: pictures with
        # equally many classes go together.
        groups: dict[int, list[Question]] = {}
        for question in self._questions(items):
            groups.setdefault(len(question.classes), []).append(question)
        return [row for group in groups.values() for row in self._rows_of_group(group)]

    def _questions(self, pictures: list[Prepared]) -> list[Question]:
        guesses: list[str | None] = [None] * len(pictures)
        if "predicted" in self.explained:
            guesses = [self.head.label(int(index)) for index in self.head.predict(self._pixels(pictures))]
        questions = []
        for picture, guess in zip(pictures, guesses, strict=True):
            labels = [label for label, _ in picture.asked] if "target" in self.explained else []
            classes = list(dict.fromkeys(labels + ([guess] if guess is not None else [])))
            questions.append(Question(picture, guess, classes))
        return questions

    def _pixels(self, pictures: list[Prepared]) -> Tensor:
        """Pixels (batch, 3, height, width) on the model's device and in its dtype."""
        placed = self.view.place(torch.stack([picture.pixels for picture in pictures]))
        assert isinstance(placed, Tensor)
        return placed

    def _rows_of_group(self, group: list[Question]) -> list[Row]:
        pixels = self._pixels([question.picture for question in group])
        batch = Batch(pixels, black_of(self.preprocessing, pixels), self.head, self.grid)
        targets = self.head.targets([question.classes for question in group])
        keys = [[f"{question.picture.name}\0{label}" for label in question.classes] for question in group]
        rows: list[Row] = []
        with shared_passes():
            for choice in self.choices:
                maps = maps_of(choice, self.view, pixels, targets, self.grid, keys)
                rows += self._rows_of_method(choice, batch, group, maps)
        return rows

    def _rows_of_method(self, choice: Choice, batch: Batch, group: list[Question], maps: Tensor) -> list[Row]:
        """Rows of one method: a class that is both target and prediction is measured once."""
        rows: list[tuple[Row, tuple[int, int, int]]] = []
        items: dict[tuple[int, int, int], Item] = {}
        for position, question in enumerate(group):
            for region, (label, truth) in enumerate(question.picture.asked):
                for explained in self.explained:
                    shown = label if explained == "target" else question.predicted
                    assert shown is not None
                    place = (position, region, question.classes.index(shown))
                    scores = maps[position, place[2]]
                    row: Row = {
                        "picture": question.picture.name,
                        "explained": explained,
                        "label": label,
                        "shown": shown,
                        "method": choice.label,
                        "relevance": self._stored(scores),
                    }
                    rows.append((row, place))
                    if bool(torch.isfinite(scores).all()):
                        item = Item(position, label, shown, truth, question.picture.absent)
                        items.setdefault(place, item)
        measured: dict[tuple[int, int, int], Row] = {}
        if items:
            chosen = torch.stack([maps[position, target] for position, _, target in items])
            found = self.benchmark.measure(batch, list(items.values()), chosen, partial(self._again, choice))
            measured = dict(zip(items, found, strict=True))
        return [row | measured.get(place, {"skipped": NOT_FINITE}) for row, place in rows]

    def _again(
        self,
        choice: Choice,
        pixels: Tensor,
        targets: Tensor,
        keys: Sequence[Sequence[str]],
        view: View | None = None,
    ) -> Tensor:
        """See :class:`~whylight.evaluation.benchmarks.benchmark.Again`."""
        in_company = choice.method not in BASELINES and find_method(choice.method).depends_on_company(choice.options)
        size = 1 if in_company else targets.shape[1]
        parts = [slice(first, first + size) for first in range(0, targets.shape[1], size)]
        each = (
            maps_of(choice, view or self.view, pixels, targets[:, part], self.grid, [row[part] for row in keys])
            for part in parts
        )
        return torch.cat(list(each), dim=1)

    def _stored(self, scores: Tensor) -> npt.NDArray[np.float32]:
        """The map as rows hold it, one value per patch: maps of pixels are averaged."""
        patches = scores if scores.shape == self.grid else F.adaptive_avg_pool2d(scores[None], self.grid)[0]
        values: npt.NDArray[np.float32] = patches.flatten().numpy()
        return values
