"""From pictures or texts to rows: what is the same for both."""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol
from whylight.evaluation.data.data_set import DataSet, Read, Unusable, read_one
from whylight.evaluation.method_choices import Choice
from whylight.models.view import Inputs, View

Row = dict[str, Any]

COLUMNS = {
    "picture": "string",
    "explained": "string",
    "label": "string",
    "shown": "string",
    "method": "string",
    "skipped": "string",
    "relevance": "list<float>",
}
"""Columns of every row, with their types; a protocol's own come on top."""

NOT_FINITE = "the map holds values that are not finite"


@dataclass(frozen=True)
class Skipped:
    """A picture or document that is left out, and why."""

    name: str
    reason: str


def read_or_skip(source: DataSet[Read], index: int) -> Read | Skipped:
    """What a data set has under a number, or why that is left out."""
    try:
        return read_one(source, index)
    except Unusable as error:
        return Skipped(source.names[index], str(error))


class _WithName(typing.Protocol):
    """What has a name that is unique in its data set."""

    @property
    def name(self) -> str: ...


Usable = TypeVar("Usable", bound=_WithName)


class RowMaker(ABC, Generic[Usable]):
    """Explains pictures or texts with every chosen method and measures what comes out.

    Attributes:
        view: the model that is explained.
        benchmark: how explanations are measured.
        choices: the methods.
        explained: which classes are explained.
        templates: prompts for the classes' names; none where the model is a classifier.
        input_size: height and width of the model's input; of a text model how many pieces it reads.
    """

    view: View
    benchmark: Protocol
    choices: Sequence[Choice]
    explained: Sequence[Explained] = ("target",)
    templates: Sequence[str] = ()
    input_size: Sequence[int]

    @property
    def columns(self) -> dict[str, str]:
        return COLUMNS | self.benchmark.columns

    @abstractmethod
    def reader(self, source: Any) -> Callable[[int], Usable | Skipped]:
        """What reads a picture or text by its number; without the model, so that it can run in other processes."""

    def checked(self, read: Usable | Skipped) -> Usable | Skipped:
        """What was read, where this model can be asked about it; else the reason why not."""
        return read

    @abstractmethod
    def question(self, item: Usable) -> tuple[Inputs, Tensor]:
        """Inputs (one row) and targets, as methods take them, of one picture or text."""

    @abstractmethod
    def measured(self, items: list[Usable]) -> list[Row]:
        """Rows of a batch, one for each (item, explained class, method)."""

    def rows(self, batch: Iterable[Usable | Skipped]) -> list[Row]:
        """Rows of a batch; what cannot be used has one row that says why."""
        rows: list[Row] = []
        items: list[Usable] = []
        for item in map(self.checked, batch):
            if isinstance(item, Skipped):
                rows.append({"picture": item.name, "skipped": item.reason})
            else:
                items.append(item)
        return rows + self.measured(items) if items else rows
