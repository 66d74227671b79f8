"""Rows of a run: one Parquet file for each shard, written aside and renamed, so that a file that is there is whole."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from typing import Any

from whylight.errors import BadInput, need
from whylight.runs.columns import table_of
from whylight.runs.folder import Place, RunFolder, folder_of

FOLDER = "rows"
_NAME = re.compile(r"shard-(\d{5,})\.parquet")


def write_shard(
    place: Place | RunFolder,
    number: int,
    rows: Sequence[dict[str, Any]],
    columns: dict[str, str],
    environment: dict[str, object],
) -> None:
    """Write all rows of a shard, whole or not at all; the environment goes into the file's metadata.

    Args:
        columns: see :func:`whylight.runs.columns.table_of`.

    Raises:
        WhylightError: the disk is full, or nobody may write there.
    """
    parquet = need("pyarrow.parquet", "run")
    table = table_of(rows, columns)
    metadata = (table.schema.metadata or {}) | {b"environment": json.dumps(environment).encode()}
    content = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(metadata), content, compression="zstd")
    folder_of(place).write(name_of(number), content.getvalue())


def name_of(number: int) -> str:
    """Where in its folder a shard's rows lie."""
    return f"{FOLDER}/shard-{number:05d}.parquet"


def finished(place: Place | RunFolder) -> set[int]:
    """Numbers of the shards that are there."""
    names = (_NAME.fullmatch(name) for name in folder_of(place).names(FOLDER))
    return {int(found.group(1)) for found in names if found}


def read_shard(place: Place | RunFolder, number: int, columns: Sequence[str] | None = None) -> Any:
    """Rows of one shard: a ``pyarrow.Table``.

    Raises:
        BadInput: it does not read.
    """
    arrow, parquet = need("pyarrow", "run"), need("pyarrow.parquet", "run")
    folder = folder_of(place)
    try:
        content = arrow.BufferReader(folder.read(name_of(number)))
        return parquet.read_table(content, columns=None if columns is None else list(columns))
    except (arrow.ArrowException, OSError) as error:
        said = f"{folder}/{name_of(number)} does not read ({error}): delete it and start the run again"
        raise BadInput(said) from None


def read_rows(place: Place | RunFolder, columns: Sequence[str] | None = None) -> Any:
    """Rows of all shards that are there, in order: a ``pyarrow.Table``.

    Raises:
        BadInput: no shard is there, or one does not read.
    """
    arrow, folder = need("pyarrow", "run"), folder_of(place)
    tables = [read_shard(folder, number, columns) for number in sorted(finished(folder))]
    if not tables:
        raise BadInput(f"{folder} holds no finished shard yet")
    return arrow.concat_tables(tables)


def environments(place: Place | RunFolder) -> list[dict[str, Any]]:
    """The different environments that shards were computed in."""
    folder = folder_of(place)
    found = {read_shard(folder, number, []).schema.metadata[b"environment"] for number in finished(folder)}
    return [json.loads(text) for text in sorted(found)]
