"""Rows of a run: one Parquet file for each shard, written aside and renamed, so that a file that is there is whole."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whylight.errors import BadInput, need

_FOLDER = "rows"
_NAME = re.compile(r"shard-(\d{5})\.parquet")


def write_shard(
    folder: Path, number: int, rows: Sequence[dict[str, Any]], columns: dict[str, str], environment: dict[str, object]
) -> None:
    """Write all rows of a shard, whole or not at all; the environment goes into the file's metadata.

    Args:
        columns: name of each column to its type: string, bool, int32, float64, list<float> or list<bool>.
    """
    arrow, parquet = need("pyarrow", "evaluation"), need("pyarrow.parquet", "evaluation")
    schema = _schema(columns).with_metadata({"environment": json.dumps(environment)})
    table = arrow.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    place = folder / _FOLDER
    place.mkdir(exist_ok=True)
    aside = place / f".shard-{number:05d}.{os.getpid()}"
    with aside.open("wb") as file:
        parquet.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(place / f"shard-{number:05d}.parquet")


def finished(folder: Path) -> set[int]:
    """Numbers of the shards that are there."""
    place = folder / _FOLDER
    names = (_NAME.fullmatch(path.name) for path in place.iterdir()) if place.is_dir() else ()
    return {int(found.group(1)) for found in names if found}


def read_rows(folder: Path, columns: Sequence[str] | None = None) -> Any:
    """Rows of all shards that are there, in order: a ``pyarrow.Table``.

    Raises:
        BadInput: no shard is there, or one does not read.
    """
    arrow, parquet = need("pyarrow", "evaluation"), need("pyarrow.parquet", "evaluation")
    tables = []
    for number in sorted(finished(folder)):
        path = folder / _FOLDER / f"shard-{number:05d}.parquet"
        try:
            tables.append(parquet.read_table(path, columns=None if columns is None else list(columns)))
        except (arrow.ArrowInvalid, OSError) as error:
            raise BadInput(f"{path} does not read ({error}): delete it and start the run again") from None
    if not tables:
        raise BadInput(f"{folder} holds no finished shard yet")
    return arrow.concat_tables(tables)


def environments(folder: Path) -> list[dict[str, Any]]:
    """The different environments that shards were computed in."""
    parquet = need("pyarrow.parquet", "evaluation")
    found = {
        parquet.read_schema(folder / _FOLDER / f"shard-{number:05d}.parquet").metadata[b"environment"]
        for number in finished(folder)
    }
    return [json.loads(text) for text in sorted(found)]


def _schema(columns: dict[str, str]) -> Any:
    arrow = need("pyarrow", "evaluation")
    types = {
        "string": arrow.string(),
        "bool": arrow.bool_(),
        "int32": arrow.int32(),
        "float64": arrow.float64(),
        "list<float>": arrow.list_(arrow.float32()),
        "list<bool>": arrow.list_(arrow.bool_()),
    }
    return arrow.schema([(name, types[kind]) for name, kind in columns.items()])
