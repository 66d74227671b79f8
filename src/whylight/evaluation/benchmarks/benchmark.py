"""What every benchmark says: what a row holds, and how rows become figures."""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from torch import Tensor

from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture
from whylight.evaluation.heads import Head
from whylight.models.view import View

Explained = Literal["target", "predicted"]
Rows = Mapping[str, npt.NDArray[Any]]
"""Columns of rows of one method and one kind of explained class."""


@dataclass(frozen=True)
class Item:
    """One map to be measured: of a picture of the batch, for one class.

    Attributes:
        position: of the picture in the batch.
        label: the true class.
        shown: the class that is explained.
        truth: what :meth:`Benchmark.truth` made of the region.
        absent: a class that the picture does not hold; None where its data set knows of none.
    """

    position: int
    label: str
    shown: str
    truth: Any
    absent: str | None = None


@dataclass(frozen=True)
class Batch:
    """Pictures as the model saw them: pixels (batch, 3, height, width), what black is in them (3,), the head, and rows
    and columns of patches."""

    pixels: Tensor
    black: Tensor
    head: Head
    grid: tuple[int, int]


class Again(typing.Protocol):
    """The method that is measured, asked once more."""

    def __call__(
        self, pixels: Tensor, targets: Tensor, keys: Sequence[Sequence[str]], view: View | None = None
    ) -> Tensor:
        """Raw maps (n, targets, rows, columns), float32, on the CPU: of each target as if it were asked for alone.

        Args:
            pixels: (n, 3, height, width), as of the batch. The same object again shares its way through the model,
                inside :func:`whylight.passes.sharing.shared_passes`.
            targets: (n, targets) class indices or (n, targets, dim) embeddings.
            keys: of every picture, one text per target that the random baseline follows from.
            view: another model; default: the one that is explained.
        """
        ...


class Protocol(ABC):
    """What rows hold, and how they become figures.

    Attributes:
        protocol: its name.
        version: raised whenever rows would come out differently, so that old rows are not mixed with new ones.
        columns: the row's own columns and their Arrow types.
        figures_shown: names of figures to what they are called in tables, the main ones first.
        main_figure: what tables are sorted by.
        lower_is_better: figures of which less is better; of all others more is.
        units: of figures that are no percentages.
        measured_on, explained_as: what its data set is made of, and what a row holds one of, in the plural.
        grouped_as: what classes are, where figures are wanted for each of them as well: "sequence"; "" where not.
        needs_class: the true class must be one that the model can choose.
        needs_prompts: it makes prompts of its own, so the model must read texts.
        explains: which classes may be explained.
    """

    protocol: str
    version: int
    columns: ClassVar[dict[str, str]]
    figures_shown: ClassVar[dict[str, str]]
    main_figure: str
    lower_is_better: frozenset[str] = frozenset()
    units: ClassVar[dict[str, str]] = {}
    measured_on: str = "pictures"
    explained_as: str = "maps"
    grouped_as: str = ""
    needs_class: bool = False
    needs_prompts: bool = False
    explains: tuple[Explained, ...] = ("target",)

    def higher_is_better(self, figure: str) -> bool:
        """Whether more of a figure is better."""
        return figure not in self.lower_is_better

    @abstractmethod
    def figures(self, rows: Rows) -> dict[str, Estimate]:
        """Figures, in percent if ``units`` says no other, of rows that are one method's for one kind of explained
        class."""


class Benchmark(Protocol):
    """A protocol over maps of pictures."""

    @abstractmethod
    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Any:
        """What a map of the model's input size is held against; None leaves the region out."""

    @abstractmethod
    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        """The row's own columns for every item; or "skipped", with the reason why it has none.

        Args:
            maps: raw relevance (items, grid rows, grid columns), finite.
            again: asks the method that made them more.
        """


def estimate_columns(
    rows: Rows, columns: Iterable[str], figures: Callable[[Array], Mapping[str, Array]]
) -> dict[str, Estimate]:
    """Figures of what columns of numbers, or of lists of numbers, add up to, each with its interval.

    Args:
        figures: sums (..., statistics) to named figures: the columns' values one after the other, last the number of
            rows.
    """
    count = len(rows["picture"])
    values = [np.array(rows[name].tolist(), dtype=np.float64).reshape(count, -1) for name in columns]
    return estimate(per_picture(rows["picture"], np.concatenate([*values, np.ones((count, 1))], axis=1)), figures)
