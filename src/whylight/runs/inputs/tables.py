"""Tables of pictures: CSV, JSON lines, Parquet, and Hugging Face data sets on disk, some rows at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any, Protocol

from whylight.errors import BadInput, need
from whylight.runs.from_json import from_json
from whylight.runs.inputs.cells import picture_column, picture_in, refuse_web_addresses
from whylight.runs.inputs.places import file_system, open_binary, parent
from whylight.runs.inputs.sample import Problem, Sample

Row = dict[str, Any]
_LOOKED_AT = 16


class Table(Protocol):
    """Rows by number."""

    place: str

    @property
    def columns(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def rows(self, start: int, stop: int) -> Iterator[Row]: ...


@dataclass
class TextTable:
    """CSV (comma, semicolon or tab) or JSON lines. A line that is no JSON object is a row of its error alone."""

    place: str
    kind: str
    _open: tuple[int, Iterator[Row]] | None = field(default=None, repr=False, compare=False)
    """Where the last reader stopped: shards mostly follow one another, and lines can only be counted."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_open": None}

    @cached_property
    def columns(self) -> list[str]:
        first = next(self.rows(0, 1), {})
        return list(first)

    @cached_property
    def _length(self) -> int:
        return sum(1 for _ in self.rows(0, 2**62))

    def __len__(self) -> int:
        return self._length

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        position, lines = self._open if self._open and self._open[0] <= start else (0, self._lines())
        self._open = None
        yield from islice(lines, start - position, stop - position)
        self._open = stop, lines

    def _lines(self) -> Iterator[Row]:
        with io.TextIOWrapper(open_binary(self.place), encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from self._json_lines(file) if self.kind == "jsonl" else self._csv(file)

    def _csv(self, file: io.TextIOWrapper) -> Iterator[Row]:
        csv.field_size_limit(2**30)  # base64 of a picture
        header = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=header.count)
        for row in csv.DictReader(file, delimiter=delimiter):
            yield {str(name): value for name, value in row.items() if name is not None}

    def _json_lines(self, file: io.TextIOWrapper) -> Iterator[Row]:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = from_json(line)
                yield row if isinstance(row, dict) else {_ERROR: f"line {number} is no JSON object"}
            except ValueError as error:
                yield {_ERROR: f"line {number} is no JSON: {error}"}


_ERROR = "\0error"


@dataclass
class ParquetTable:
    """A Parquet file, read by row groups."""

    place: str

    def __post_init__(self) -> None:
        arrow, parquet = need("pyarrow", "run"), need("pyarrow.parquet", "run")
        try:
            with open_binary(self.place) as file:
                metadata = parquet.read_metadata(file)
        except (arrow.ArrowException, OSError) as error:
            raise BadInput(f"{self.place} is a Parquet file that does not read: {error}") from None
        self._groups = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        self.columns = list(metadata.schema.to_arrow_schema().names)

    def __len__(self) -> int:
        return sum(self._groups)

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        parquet = need("pyarrow.parquet", "run")
        first = 0
        with open_binary(self.place) as opened:
            file = parquet.ParquetFile(opened)
            for group, length in enumerate(self._groups):
                if first + length > start and first < stop:
                    place = first
                    for batch in file.iter_batches(batch_size=64, row_groups=[group]):
                        low, high = max(start - place, 0), min(stop - place, len(batch))
                        if low < high:
                            yield from batch.slice(low, high - low).to_pylist()
                        place += len(batch)
                first += length


@dataclass
class DataSetTable:
    """One split of a Hugging Face data set on disk (``save_to_disk``), pictures left encoded."""

    place: str

    def __post_init__(self) -> None:
        self._open()

    def _open(self) -> None:
        datasets = need("datasets", "datasets")
        try:
            opened = datasets.load_from_disk(self.place)
        except (OSError, ValueError) as error:
            raise BadInput(f"{self.place} does not read as a data set: {error}") from None
        for name, feature in opened.features.items():
            if isinstance(feature, datasets.Image):
                opened = opened.cast_column(name, datasets.Image(decode=False))
        self._rows = opened
        self.columns = list(opened.column_names)

    def __getstate__(self) -> dict[str, Any]:
        return {"place": self.place}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.place = state["place"]
        self._open()

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, start: int, stop: int) -> Iterator[Row]:
        for index in range(start, min(stop, len(self))):
            yield dict(self._rows[index])


@dataclass(frozen=True)
class TableShard:
    """Rows ``start`` to ``stop`` of a table.

    Attributes:
        picture: the column of pictures.
    """

    table: Table
    start: int
    stop: int
    picture: str

    @property
    def name(self) -> str:
        return f"{self.table.place}#{self.start}-{self.stop - 1}"

    def __len__(self) -> int:
        return self.stop - self.start

    def samples(self) -> Iterator[Sample]:
        number = self.start
        try:
            for row in self.table.rows(self.start, self.stop):
                yield self._sample(number, row)
                number += 1
        except Exception as error:  # whatever a damaged file makes its reader raise
            for missing in range(number, self.stop):
                source = f"{self.table.place}#{missing}"
                said = Problem("unreadable-table", f"{source} cannot be read: {error}")
                yield Sample(source, source, problem=said)

    def _sample(self, number: int, row: Mapping[str, Any]) -> Sample:
        source = f"{self.table.place}#{number}"
        if _ERROR in row:
            return Sample(source, source, problem=Problem("bad-row", f"{self.table.place}: {row[_ERROR]}"))
        fields = {name: value for name, value in row.items() if name != self.picture}
        data, place, problem = picture_in(row.get(self.picture), parent(self.table.place))
        return Sample(source, place or source, data, fields, problem)


def table_shards(table: Table, size: int, picture: str | None) -> list[TableShard]:
    """A table in shards of at most so many rows.

    Raises:
        BadInput: no such column, nothing in it that could be a picture, or web addresses.
    """
    if not len(table):
        return []
    column = picture_column(table.columns, picture, table.place)
    refuse_web_addresses([row.get(column) for row in table.rows(0, _LOOKED_AT)], column, table.place)
    starts = range(0, len(table), size)
    return [TableShard(table, start, min(start + size, len(table)), column) for start in starts]


def data_set_tables(folder: str) -> Sequence[DataSetTable]:
    """The splits of a Hugging Face data set on disk, in the order of their names.

    Raises:
        MissingExtra: `datasets` is not installed.
    """
    fs, path = file_system(folder)
    if fs.exists(f"{path}/dataset_dict.json"):
        splits = from_json(fs.cat_file(f"{path}/dataset_dict.json"))["splits"]
        return [DataSetTable(f"{folder.rstrip('/')}/{split}") for split in sorted(splits)]
    return [DataSetTable(folder)]
