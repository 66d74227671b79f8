"""A run's rows as figures: ``summary.json`` and ``summary.md``."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from whylight.errors import BadInput, WhylightError
from whylight.evaluation.benchmarks.benchmark import Protocol, Rows
from whylight.evaluation.benchmarks.catalog import NamedPictures, find_benchmark
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.estimates import Estimate
from whylight.runs.files import write_file
from whylight.runs.manifest import settings_of
from whylight.runs.store import environments, numbers_there, read_rows, say_strangers

_NUMBERED = re.compile(r"\S*\d\S*")
"""Words in which reasons of one kind differ: sizes, places, names of files."""

Half = Literal["choosing", "reporting"]
"""Settings are chosen on the one half of the pictures, and figures are reported of the other."""


@dataclass(frozen=True)
class Line:
    """Figures of one method for one kind of explained class.

    Attributes:
        rows: how many rows they are made of.
        missing: rows of this method that have no figure, because the map was not finite.
        by_class: the main figure of each class, where the benchmark shows them (DAVIS: of each sequence).
    """

    method: str
    explained: str
    rows: int
    missing: int
    figures: dict[str, Estimate]
    by_class: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What a run found so far.

    Attributes:
        pictures: how many have rows.
        only: which pictures, in words; "" for all.
        skipped: reason to number of pictures.
        shards: (stored, all).
    """

    folder: Path
    settings: Settings
    benchmark: Protocol
    lines: list[Line]
    pictures: int
    skipped: dict[str, int]
    shards: tuple[int, int]
    only: str = ""


def summarize(folder: Path, half: Half | None = None) -> Summary:
    """Reduce the rows of a run, finished or not; of one half of its pictures, or of all."""
    settings = settings_of(folder, Settings)
    benchmark = find_benchmark(settings.benchmark).protocol()
    say_strangers(folder)
    table = read_rows(folder, ["picture", "explained", "method", "label", "skipped", *benchmark.columns])
    columns = {name: table[name].to_numpy() for name in table.column_names}
    if half is not None:
        kept = np.array([half_of(name) == half for name in columns["picture"]], dtype=bool)
        columns = {name: values[kept] for name, values in columns.items()}
    whole = columns["method"] == None  # noqa: E711  # an array: picks rows without a method
    skipped = _counted_reasons([str(text) for text in columns["skipped"][whole]])
    lines = []
    for explained in settings.explained:
        for method in settings.methods:
            mine = (columns["method"] == method) & (columns["explained"] == explained)
            good = mine & (columns["skipped"] == None)  # noqa: E711
            rows = {name: values[good] for name, values in columns.items()}
            figures = benchmark.figures(_typed(rows, benchmark)) if good.any() else {}
            by_class = _by_class(rows, benchmark) if benchmark.grouped_as else {}
            lines.append(Line(method, explained, int(good.sum()), int(mine.sum() - good.sum()), figures, by_class))
    pictures = len(set(columns["picture"][~whole]))
    shards = (len(numbers_there(folder)), settings.shards)
    only = "" if half is None else f"the {half} half"
    return Summary(folder, settings, benchmark, lines, pictures, skipped, shards, only)


def half_of(picture: str) -> Half:
    """The half that a picture belongs to, which follows from its name."""
    return "choosing" if zlib.crc32(f"half {picture}".encode()) % 2 else "reporting"


def _by_class(rows: dict[str, Any], benchmark: Protocol) -> dict[str, float]:
    """The main figure of each class's rows, in the order of the classes' names."""
    found = {}
    for label in sorted(set(rows["label"])):
        some = {name: values[rows["label"] == label] for name, values in rows.items()}
        found[label] = float(benchmark.figures(_typed(some, benchmark))[benchmark.main_figure].value)
    return found


def rows_of_method(folder: Path, method: str, explained: str, columns: Iterable[str]) -> Rows:
    """Columns of one method's usable rows."""
    table = read_rows(folder, ["method", "explained", "skipped", *columns])
    arrays = {name: table[name].to_numpy() for name in table.column_names}
    good = (arrays["method"] == method) & (arrays["explained"] == explained) & (arrays["skipped"] == None)  # noqa: E711
    return {name: values[good] for name, values in arrays.items()}


def source_of(summary: Summary) -> Source | None:
    """The pictures of a run; None where they are no longer there, and for runs of texts."""
    settings, named = summary.settings, find_benchmark(summary.settings.benchmark)
    if not isinstance(named, NamedPictures):
        return None
    place = settings.data["path"]
    if len(settings.input_size) != 2:
        where = f"{summary.folder}/manifest.json"
        raise BadInput(f"{where}: input_size={settings.input_size} of a model of pictures is height and width")
    rows, columns = settings.input_size
    try:
        return named.open(Path(place) if place else None, settings.pictures, (rows, columns))
    except (WhylightError, OSError):
        return None


def write_summary(summary: Summary, markdown: str) -> None:
    """Write ``summary.json`` and ``summary.md`` into the run's folder."""
    content = {
        "settings": summary.settings.__dict__,
        "environments": environments(summary.folder),
        "shards": list(summary.shards),
        "pictures": summary.pictures,
        "skipped": summary.skipped,
        "results": [
            {
                "method": line.method,
                "explained": line.explained,
                "rows": line.rows,
                "not_finite": line.missing,
                "by_class": line.by_class,
                "figures": {
                    name: {"value": e.value.tolist(), "low": e.low.tolist(), "high": e.high.tolist()}
                    for name, e in line.figures.items()
                },
            }
            for line in summary.lines
        ],
    }
    write_file(summary.folder / "summary.json", json.dumps(content, indent=1) + "\n")
    write_file(summary.folder / "summary.md", markdown)


def _typed(rows: dict[str, Any], benchmark: Protocol) -> dict[str, Any]:
    """Columns that Arrow returned as objects because other rows have none get their types back."""
    kinds = {"bool": bool, "int32": "int64", "float64": "float64"}
    return {
        name: values.astype(kinds[benchmark.columns[name]]) if benchmark.columns.get(name) in kinds else values
        for name, values in rows.items()
    }


def _counted_reasons(texts: list[str]) -> dict[str, int]:
    """Reasons and how often each was given, the commonest first; of reasons that differ in names and numbers alone the
    first stands for all."""
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(_NUMBERED.sub("", text), []).append(text)
    counts = Counter(
        {said[0] + (" (and others alike)" if len(set(said)) > 1 else ""): len(said) for said in alike.values()}
    )
    return dict(counts.most_common())
