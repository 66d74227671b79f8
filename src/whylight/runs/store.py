"""Rows of a run: one Parquet file for each shard, written aside and renamed, so that a file that is there is whole.

Each file says which shard of which run it holds, and has a checksum for every page. One that is not what its name says,
or is damaged, is doubtful: its rows are never given, and a run that is started again computes them anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whylight.errors import BadInput, WhylightWarning, need
from whylight.runs.columns import table_of
from whylight.runs.expected import Expected, expected
from whylight.runs.folder import Place, RunFolder, folder_of

FOLDER = "rows"
_NAME = re.compile(r"shard-(\d{5,})\.parquet")
_ENVIRONMENT, _MARK = b"environment", b"shard"


@dataclass(frozen=True)
class Stored:
    """What is there of a run.

    Attributes:
        finished: numbers of shards whose rows are there.
        doubtful: numbers of shards whose files do not hold what they must, with what is wrong.
        kept: of each finished shard, the columns that were wanted while it was read.
    """

    finished: frozenset[int]
    doubtful: Mapping[int, str]
    kept: Mapping[int, Any] = field(default_factory=dict)


def write_shard(
    place: Place | RunFolder,
    number: int,
    rows: Sequence[dict[str, Any]],
    columns: dict[str, str],
    environment: dict[str, object],
    run: Expected,
) -> None:
    """Write all rows of a shard, whole or not at all; the environment goes into the file's metadata.

    Args:
        columns: see :func:`whylight.runs.columns.table_of`; the first names pictures.

    Raises:
        WhylightError: the disk is full, or nobody may write there.
    """
    parquet = need("pyarrow.parquet", "run")
    table = table_of(rows, columns)
    mark = run.mark(number) | {"columns": list(columns), "rows": table.num_rows, "names": _names(table)}
    mark["types"] = _types(table.schema)
    said = {_ENVIRONMENT: json.dumps(environment).encode(), _MARK: json.dumps(mark).encode()}
    table = table.replace_schema_metadata((table.schema.metadata or {}) | said)
    content = io.BytesIO()
    parquet.write_table(table, content, compression="zstd", write_page_checksum=True)
    folder_of(place).write(name_of(number), content.getvalue())


def name_of(number: int) -> str:
    """Where in its folder a shard's rows lie."""
    return f"{FOLDER}/shard-{number:05d}.parquet"


def stored(place: Place | RunFolder, columns: Sequence[str] = ()) -> Stored:
    """Read everything that is there of a run, and tell what is sound from what is not.

    Args:
        columns: what is wanted of it besides.
    """
    folder = folder_of(place)
    numbers = _numbers(folder)
    run = expected(folder) if numbers else Expected("", {})
    doubtful: dict[int, str] = {}
    kept: dict[int, Any] = {}
    for number in sorted(numbers.intersection(run.pictures)):
        try:
            kept[number] = read_shard(folder, number, columns, run)
        except BadInput as error:
            doubtful[number] = _doubt(error)
    return Stored(frozenset(kept), doubtful, kept if columns else {})


def finished(place: Place | RunFolder) -> frozenset[int]:
    """Numbers of the shards whose rows are there."""
    return stored(place).finished


def is_sound(place: Place | RunFolder, number: int, run: Expected) -> bool:
    """Whether a shard's file is there, and holds what it must."""
    folder = folder_of(place)
    if not folder.has(name_of(number)):
        return False
    try:
        read_shard(folder, number, (), run)
    except BadInput:
        return False
    return True


def numbers_there(place: Place | RunFolder) -> list[int]:
    """Numbers of the run's shards that have a file, in order."""
    folder = folder_of(place)
    return sorted(_numbers(folder).intersection(expected(folder).pictures))


def say_strangers(place: Place | RunFolder) -> None:
    """Say which files are of no shard of the run; whatever reads rows passes over them.

    Warns:
        WhylightWarning: naming the first.

    Raises:
        BadInput: no run is there.
    """
    folder = folder_of(place)
    if others := sorted(_numbers(folder) - expected(folder).pictures.keys()):
        more = "" if len(others) == 1 else f" and {len(others) - 1} more files"
        said = f"{folder}/{name_of(others[0])}{more}: the run has no such shard, and its rows are not counted"
        warnings.warn(said, WhylightWarning, stacklevel=2)


def read_shard(
    place: Place | RunFolder, number: int, columns: Sequence[str] | None = None, run: Expected | None = None
) -> Any:
    """Rows of one shard: a ``pyarrow.Table``.

    Args:
        run: what the file must be of; read from the folder where it is not known.

    Raises:
        BadInput: it does not read, or holds something else.
    """
    parquet = need("pyarrow.parquet", "run")
    folder = folder_of(place)
    run = run or expected(folder)
    where = f"{folder}/{name_of(number)}"
    try:
        with parquet.ParquetFile(io.BytesIO(folder.read(name_of(number))), page_checksum_verification=True) as file:
            schema = file.schema_arrow
            wanted = list(schema.names if columns is None else columns)
            mark = json.loads((schema.metadata or {}).get(_MARK, b"null"))
            if doubt := _other_mark(mark, run, number):
                raise BadInput(f"{where} {doubt}: {_AGAIN}")
            if missing := [name for name in [*mark["columns"], *wanted] if name not in schema.names]:
                raise BadInput(f"{where} has no column {missing[0]}: {_AGAIN}")
            if _types(schema) != mark["types"]:
                raise BadInput(f"{where} has columns of other types than were written: {_AGAIN}")
            # All of it, whatever is wanted: damage anywhere makes the whole file doubtful.
            table = file.read()
            if (table.num_rows, _names(table)) != (mark["rows"], mark["names"]):
                raise BadInput(f"{where} holds other rows than were written into it: {_AGAIN}")
            return table.select(wanted)
    except BadInput:
        raise
    except Exception as error:  # there is nothing that a damaged file does not raise
        said = " ".join(str(error).split())
        raise BadInput(f"{where} does not read ({said}): {_AGAIN}") from None


def read_rows(place: Place | RunFolder, columns: Sequence[str] | None = None, *, numbered: bool = False) -> Any:
    """Rows of all shards that are there, in order: a ``pyarrow.Table``.

    Args:
        numbered: add a column "shard", the number of each row's shard.

    Raises:
        BadInput: no shard is there, or one does not read.
    """
    arrow, folder = need("pyarrow", "run"), folder_of(place)
    run = expected(folder)
    numbers = numbers_there(folder)
    tables = [read_shard(folder, number, columns, run) for number in numbers]
    if not tables:
        raise BadInput(f"{folder} holds no finished shard yet")
    rows = arrow.concat_tables(tables)
    if not numbered:
        return rows
    counted = zip(numbers, tables, strict=True)
    return rows.append_column("shard", arrow.array([number for number, table in counted for _ in range(len(table))]))


def environments(place: Place | RunFolder) -> list[dict[str, Any]]:
    """The different environments that shards were computed in."""
    folder = folder_of(place)
    run = expected(folder)
    found = {read_shard(folder, n, [], run).schema.metadata[_ENVIRONMENT] for n in numbers_there(folder)}
    return [json.loads(text) for text in sorted(found)]


_AGAIN = "the run's command, started again, computes it anew"


def _numbers(folder: RunFolder) -> set[int]:
    names = (_NAME.fullmatch(name) for name in folder.names(FOLDER))
    return {int(found.group(1)) for found in names if found}


def _doubt(error: BadInput) -> str:
    """What is wrong with a shard's file."""
    return str(error).removesuffix(f": {_AGAIN}")


def _other_mark(mark: Any, run: Expected, number: int) -> str | None:
    if not isinstance(mark, dict):
        return "does not say which shard it is"
    ours = run.mark(number)
    if mark.get("run") != ours["run"]:
        return "is of another run"
    if mark.get("shard") != number:
        return f"holds the rows of shard {mark.get('shard')}"
    return None if mark.get("pictures") == ours["pictures"] else "holds rows of other pictures"


def _types(schema: Any) -> list[str]:
    """Of the columns; what an item of a list is called is another with every release of pyarrow."""
    return [str(getattr(field.type, "value_type", field.type)) for field in schema]


def _names(table: Any) -> str:
    """A digest of the first column."""
    return hashlib.sha256(json.dumps(table.column(0).to_pylist()).encode()).hexdigest()[:16]
