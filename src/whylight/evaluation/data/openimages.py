"""OpenImagesV7 point labels: ``oidv7-val-annotations-point-labels.csv`` beside a folder of pictures.

Columns: ImageId, X, Y in [0, 1], Label ("/m/01yrx"), EstimatedYesNo (yes, no, unsure), TextLabel.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from whylight.errors import BadInput, need
from whylight.evaluation.data.data_set import Points, Region, Sample, Source, Unusable
from whylight.evaluation.data.files import existing, fingerprint, first_existing, inside, open_picture, sizes
from whylight.runs.inputs.once import say_again

_POINTS = tuple(f"oidv7-{part}-annotations-point-labels.csv" for part in ("val", "test", "train"))
_CLASSES = ("classes.csv", "oidv7-class-descriptions.csv", "oidv7-class-descriptions-points.csv")
_PICTURES = ("images", "validation", "val", "pictures")
_COLUMNS = ("ImageId", "X", "Y", "Label", "EstimatedYesNo")


class OpenImagesPoints(Source):
    """Pictures with the classes that have at least one "yes" point in them; "unsure" is left out.

    Args:
        path: the folder that holds the point labels, ``classes.csv`` (or TextLabel in the point labels) and a folder of
            pictures named ``ImageId.jpg``.

    Raises:
        BadInput: a file is missing or truncated, or lacks a column.
    """

    name = "OpenImagesV7 points"

    def __init__(self, path: Path) -> None:
        self.path = existing(path, "OpenImagesV7's folder")
        self.table_path = first_existing(path, _POINTS, "the point labels")
        self.pictures = first_existing(path, _PICTURES, "the folder of pictures")
        table = _read_csv(self.table_path, _COLUMNS)
        columns = {name: table[name].to_numpy(zero_copy_only=False) for name in _COLUMNS}
        answers = np.char.lower(columns["EstimatedYesNo"].astype(str))
        x, y = (_fractions(columns[axis]) for axis in ("X", "Y"))
        broken = ~np.isin(answers, ("yes", "no", "unsure")) | np.isnan(x) | np.isnan(y)
        self._broken = {str(name) for name in columns["ImageId"][broken]}
        sure = answers != "unsure"
        keys = (y, x, columns["Label"], columns["ImageId"])
        order = np.flatnonzero(sure)[np.lexsort([key[sure] for key in keys])]
        order = _once(order, keys, self.table_path.name)
        self._x, self._y, self._yes = x[order], y[order], (answers == "yes")[order]
        self._label, images = columns["Label"][order], columns["ImageId"][order]
        edges = [0, *(np.flatnonzero(images[1:] != images[:-1]) + 1).tolist(), len(images)]
        spans = [(a, b) for a, b in pairwise(edges) if a < b]
        self._spans = [(a, b) for a, b in spans if self._yes[a:b].any() or images[a] in self._broken]
        self.names = [str(images[a]) for a, _ in self._spans]
        if not self.names:
            raise BadInput(f'{self.table_path.name} holds no picture with a "yes" point')
        self.classes = self._class_names(table)

    def read(self, index: int) -> Sample:
        if self.names[index] in self._broken:
            raise Unusable(f"a point of it in {self.table_path.name} is not yes, no or unsure at X and Y in [0, 1]")
        start, stop = self._spans[index]
        picture = open_picture(inside(self.pictures, f"{self.names[index]}.jpg"))
        labels = self._label[start:stop]
        regions = []
        for label in dict.fromkeys(labels):
            here = start + np.flatnonzero(labels == label)
            if self._yes[here].any():
                points = Points(self._x[here], self._y[here], self._yes[here])
                regions.append(Region(str(label), points=points))
        return Sample(self.names[index], picture, tuple(regions))

    def fingerprint(self) -> str:
        return fingerprint(self.table_path, sizes(self.pictures / f"{name}.jpg" for name in self.names))

    def _class_names(self, table: Any) -> dict[str, str]:
        present = sorted({str(label) for label in np.unique(self._label[self._yes])})
        described: dict[str, str] = {}
        for name in _CLASSES:
            if (self.path / name).exists():
                described = _descriptions(self.path / name)
                break
        else:
            if "TextLabel" not in table.column_names:
                raise BadInput(f"{self.path} holds no classes.csv, and {self.table_path.name} no column TextLabel")
            described = dict(zip(table["Label"].to_pylist(), table["TextLabel"].to_pylist(), strict=True))
        if missing := [label for label in present if not described.get(label)]:
            raise BadInput(f"no name for class {missing[0]} (and {len(missing) - 1} more) of {self.table_path.name}")
        return {label: described[label].lower() for label in present}


def _once(order: Any, keys: tuple[Any, ...], where: str) -> Any:
    """Of rows in order, those that are the first of their place, class and picture."""
    same = np.logical_and.reduce([key[order[1:]] == key[order[:-1]] for key in keys])
    again = order[1:][same]
    say_again(len(again), f"a point of {keys[-1][again[0]]}" if len(again) else "", where)
    return np.delete(order, np.flatnonzero(same) + 1)


def _read_csv(path: Path, needed: tuple[str, ...]) -> Any:
    csv, arrow = need("pyarrow.csv", "evaluation"), need("pyarrow", "evaluation")
    text = {name: arrow.string() for name in (*needed, "TextLabel")}
    try:
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=text))
        there = table.column_names
    except (arrow.ArrowInvalid, UnicodeDecodeError) as error:  # of names of columns that are no text, the second
        raise BadInput(f"{path.name} does not read (truncated?): {error}") from None
    for column in needed:
        if column not in there:
            raise BadInput(f"{path.name} has no column {column}; it has {', '.join(there)}")
    return table


def _fractions(values: Any) -> Any:
    """Numbers in [0, 1]; NaN where something else stands."""
    try:
        fractions = values.astype(np.float32)
    except (ValueError, TypeError):
        fractions = np.array([_number(value) for value in values], dtype=np.float32)
    return np.where((fractions >= 0) & (fractions <= 1), fractions, np.nan)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _descriptions(path: Path) -> dict[str, str]:
    """Label and name from a CSV of two columns, with or without a head line."""
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if any(len(row) < 2 for row in rows):
        raise BadInput(f"{path.name} needs two columns, label and name, on every line")
    return {row[0]: row[1] for row in rows}
