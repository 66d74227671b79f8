"""Back from a sample's source to its encoded picture."""

from __future__ import annotations

import tarfile
from functools import lru_cache

from whylight.errors import WhylightError
from whylight.runs.inputs.cells import picture_in
from whylight.runs.inputs.detect import kind_of
from whylight.runs.inputs.places import open_binary, parent, read_bytes
from whylight.runs.inputs.tables import DataSetTable, ParquetTable, Table, TableShard, TextTable, table_shards
from whylight.runs.inputs.tars import BROKEN, content_of


def encoded_picture(source: str, column: str | None = None) -> bytes | None:
    """The bytes of a picture by the ``source`` of its sample; None where it is no longer there.

    Args:
        column: of pictures, where the source is a row of a table.

    Raises:
        OSError: what holds it is gone or damaged.
    """
    archive, inside, member = source.partition("::")
    if inside:
        return _member(archive, member)
    table, mark, row = source.rpartition("#")
    if not mark or not row.isdecimal():
        return read_bytes(source)
    return _cell(table, int(row), column)


def _member(archive: str, name: str) -> bytes | None:
    try:
        with open_binary(archive) as file, tarfile.open(fileobj=file, mode="r:*") as tar:
            member = tar.getmember(name)
            return content_of(tar, member) if member.isfile() else None
    except KeyError:
        return None
    except BROKEN as error:
        raise OSError(f"{archive} is damaged: {error}") from None


def _cell(place: str, row: int, column: str | None) -> bytes | None:
    try:
        shard = _table(place, column)
        cell = next(shard.table.rows(row, row + 1), {}).get(shard.picture)
    except (WhylightError, IndexError):
        return None
    data, file, _ = picture_in(cell, parent(place))
    return read_bytes(file) if file is not None else data


@lru_cache(maxsize=4)
def _table(place: str, column: str | None) -> TableShard:
    table: Table
    try:
        kind = kind_of(place)
        table = ParquetTable(place) if kind == "parquet" else TextTable(place, kind)
    except IsADirectoryError:
        table = DataSetTable(place)
    return table_shards(table, max(1, len(table)), column)[0]
