"""Published tables as data: one JSON file each, beside this module."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from whylight.errors import UnknownName


@dataclass(frozen=True)
class Cell:
    """One published figure.

    Attributes:
        row: the method as the paper calls it.
        model: the model as the paper calls it.
        method: our label of it; None where Whylight has no such method.
        specification: our name of the model's weights.
        explained: which class is explained.
        figure: our name of the figure.
        value: as published, in percent.
    """

    row: str
    model: str
    method: str | None
    specification: str
    explained: str
    figure: str
    value: float


@dataclass(frozen=True)
class PublishedTable:
    """A table of a paper.

    Attributes:
        name: what ``whylight reproduce`` calls it.
        title, source, note: what it is, where it stands, what is known about how it came about.
        benchmark: which of ours measures the same.
        data: what it was measured on, where to get it, its size on disk.
        weights: our name of each model to its size on disk.
    """

    name: str
    title: str
    source: str
    note: str
    benchmark: str
    data: str
    weights: dict[str, str]
    cells: tuple[Cell, ...]

    def models(self) -> list[str]:
        """Our names of its models, in the table's order."""
        return list(dict.fromkeys(cell.specification for cell in self.cells))

    def methods(self, model: str) -> list[str]:
        """Our labels of the methods that it has for a model."""
        found = (cell.method for cell in self.cells if cell.specification == model)
        return list(dict.fromkeys(method for method in found if method is not None))


def published_names() -> list[str]:
    """Names of all tables."""
    return sorted(_read())


def published_table(name: str) -> PublishedTable:
    """The table of a name.

    Raises:
        UnknownName: with near misses and all names.
    """
    tables = _read()
    if name not in tables:
        near = difflib.get_close_matches(name, tables, n=2, cutoff=0.4)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"no published table is called {name!r}.{meant} There are: {', '.join(sorted(tables))}")
    return tables[name]


def figures_for(benchmark: str, model: str) -> dict[tuple[str, str, str], float]:
    """Published figures of a benchmark for a model: (our method, explained class, figure) to value."""
    found: dict[tuple[str, str, str], float] = {}
    for table in _read().values():
        if table.benchmark == benchmark:
            for cell in table.cells:
                if cell.specification == model and cell.method is not None:
                    found.setdefault((cell.method, cell.explained, cell.figure), cell.value)
    return found


@cache
def _read() -> dict[str, PublishedTable]:
    tables = {}
    for file in resources.files(__package__).iterdir():
        if file.name.endswith(".json"):
            name = file.name.removesuffix(".json")
            tables[name] = _table(name, json.loads(file.read_text(encoding="utf-8")))
    return tables


def _table(name: str, content: dict[str, Any]) -> PublishedTable:
    return PublishedTable(
        name=name,
        title=content["title"],
        source=content["source"],
        note=content["note"],
        benchmark=content["benchmark"],
        data=content["data"],
        weights={model["weights"]: model["size"] for model in content["models"].values()},
        cells=tuple(_cells(content)),
    )


def _cells(content: dict[str, Any]) -> Iterator[Cell]:
    """``rows`` hold, per method, one list of values for each model; null where the paper has none."""
    for row, entry in content["rows"].items():
        columns = entry.get("figures", content["figures"])
        for model, values in entry["values"].items():
            for column, value in zip(columns, values, strict=True):
                if value is not None:
                    figure, explained = column.split("/")
                    weights = content["models"][model]["weights"]
                    yield Cell(row, model, entry["method"], weights, explained, figure, float(value))
