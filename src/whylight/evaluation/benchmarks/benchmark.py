"""What every benchmark says: what a row holds, and how rows become figures."""

from __future__ import annotations

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

Explained = Literal["target", "predicted"]
Rows = Mapping[str, npt.NDArray[Any]]
"""Columns of rows of one method and one kind of explained class."""


@dataclass(frozen=True)
class Item:
    """One map to be measured: of a picture of the batch, for one class.

    Attributes:
        position: of the picture in the batch.
        label: the true class.
        truth: what :meth:`Benchmark.truth` made of the region.
    """

    position: int
    label: str
    truth: Any


@dataclass(frozen=True)
class Batch:
    """Pictures as the model saw them: pixels (batch, 3, height, width), what black is in them (3,), and the head."""

    pixels: Tensor
    black: Tensor
    head: Head


class Protocol(ABC):
    """What rows hold, and how they become figures.

    Attributes:
        protocol: its name.
        version: raised whenever rows would come out differently, so that old rows are not mixed with new ones.
        columns: the row's own columns and their Arrow types.
        figures_shown: names of figures to what they are called in tables, the main ones first.
        main_figure: what tables are sorted by.
        lower_is_better: figures of which less is better.
        measured_on, explained_as: what its data set is made of, and what a row holds one of, in the plural.
        grouped_as: what classes are, where figures are wanted for each of them as well: "sequence"; "" where not.
        needs_class: the true class must be one that the model can choose.
        explains: which classes may be explained.
    """

    protocol: str
    version: int
    columns: ClassVar[dict[str, str]]
    figures_shown: ClassVar[dict[str, str]]
    main_figure: str
    lower_is_better: frozenset[str] = frozenset()
    measured_on: str = "pictures"
    explained_as: str = "maps"
    grouped_as: str = ""
    needs_class: bool = False
    explains: tuple[Explained, ...] = ("target",)

    @abstractmethod
    def figures(self, rows: Rows) -> dict[str, Estimate]:
        """Figures, in percent, of rows that are one method's for one kind of explained class."""


class Benchmark(Protocol):
    """A protocol over maps of pictures."""

    @abstractmethod
    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Any:
        """What a map of the model's input size is held against; None leaves the region out."""

    @abstractmethod
    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor) -> list[dict[str, Any]]:
        """The row's own columns for every item.

        Args:
            maps: raw relevance (items, grid rows, grid columns), finite.
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
