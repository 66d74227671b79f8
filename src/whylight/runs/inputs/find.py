"""From what a person names to shards of pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from whylight.errors import BadInput
from whylight.runs.inputs.braces import expand_braces
from whylight.runs.inputs.cells import refuse_web_addresses
from whylight.runs.inputs.detect import Kind, header_cells, kind_of
from whylight.runs.inputs.files import FileShard
from whylight.runs.inputs.once import once
from whylight.runs.inputs.places import file_system, is_url, join, named, parent, read_bytes
from whylight.runs.inputs.sample import Sample
from whylight.runs.inputs.tables import ParquetTable, TableShard, TextTable, data_set_tables, table_shards
from whylight.runs.inputs.tars import TarShard, count_samples

ENDINGS = frozenset(["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "jp2", "ppm", "jfif", "heic"])
_CONTAINERS = frozenset(["tar", "tgz", "parquet", "jsonl", "csv", "tsv"])
_COUNTED = 8
"""So many tars are counted before a run begins; of more the number of pictures is said as about so many."""


_LOOKED_AT = 16


class Shard(Protocol):
    """Some pictures that are done together."""

    @property
    def name(self) -> str: ...

    def samples(self) -> Iterator[Sample]: ...


@dataclass(frozen=True)
class Inputs:
    """Everything that a person named, in shards.

    Attributes:
        sizes: pictures of each shard; what the first few tars hold on average where a tar was not counted.
        counted: whether all of them were.
    """

    shards: tuple[Shard, ...]
    sizes: tuple[int, ...]
    counted: bool

    @property
    def digests(self) -> list[str]:
        """One for each shard: what is in it by name, not the pixels."""
        return [_digest(shard) for shard in self.shards]


@dataclass(frozen=True)
class Layout:
    """How pictures lie in what is named; see ``whylight run --help``.

    Attributes:
        shard_size: pictures in a shard, where the input has no shards of its own.
        picture: column of a table, or ending of a tar's members, that holds the picture.
        sidecars: endings of files beside pictures that are read.
        but: a folder whose files are no input: the run's own, which may lie among the pictures.
    """

    shard_size: int = 256
    picture: str | None = None
    sidecars: tuple[str, ...] = ()
    but: str | None = None


def find_inputs(names: Sequence[str], layout: Layout) -> Inputs:
    """Look at everything that is named.

    Raises:
        BadInput: a name that matches nothing, or something that holds no pictures.
    """
    own = None if layout.but is None else _path(layout.but).rstrip("/") + "/"
    looked = [found for name in names for expanded in expand_braces(name) for found in _look(expanded)]
    if own is not None:
        looked = [(place, kind) for place, kind in looked if not _path(place).startswith(own)]
    files: list[str] = []
    others: list[Shard] = []
    for place, kind in once(looked, ", ".join(names), lambda found: _whole(found[0])):
        if kind == "picture":
            files.append(place)
        else:
            shards, listed = _shards_of(place, kind, layout)
            others += shards
            files += listed
    places = once(files, ", ".join(names), _whole)
    chunks = [tuple(places[start : start + layout.shard_size]) for start in range(0, len(places), layout.shard_size)]
    shards = [*(FileShard(chunk, layout.sidecars) for chunk in chunks), *others]
    if not shards:
        raise BadInput(f"{', '.join(names)} holds no picture")
    return _counted(shards)


def _look(name: str) -> Iterator[tuple[str, Kind]]:
    """What a name stands for: files and their kinds. Kinds of pictures in folders go by their endings alone."""
    fs, path = file_system(name)
    if fs.isdir(path):
        yield from _look_into(fs, path, name)
    elif not fs.exists(path) and any(mark in path for mark in "*?["):
        matches = sorted(match for match in fs.glob(path) if not fs.isdir(match))
        if not matches:
            raise BadInput(f"{name} matches no file")
        for match in matches:
            yield from _kind(named(fs, match, name))
    elif not fs.exists(path):
        raise BadInput(f"{name}: there is no such file or folder")
    else:
        yield from _kind(name)


def _look_into(fs: Any, path: str, name: str) -> Iterator[tuple[str, Kind]]:
    if fs.exists(f"{path}/state.json") or fs.exists(f"{path}/dataset_dict.json"):
        yield name, "unknown"  # a data set on disk
        return
    base = path.rstrip("/")
    inside = sorted(fs.find(path))
    found = [inner for inner in inside if _ending(inner) in ENDINGS]
    containers = [inner for inner in inside if _ending(inner) in _CONTAINERS]
    if not found and not containers:
        raise BadInput(f"{name} holds no picture" + (f", only {inside[0].rpartition('/')[2]} ..." if inside else ""))
    for inner in found:
        yield join(name, inner[len(base) + 1 :]), "picture"
    for inner in [] if found else containers:
        yield from _kind(join(name, inner[len(base) + 1 :]))


def _kind(place: str) -> Iterator[tuple[str, Kind]]:
    try:
        kind = kind_of(place)
    except OSError as error:
        raise BadInput(f"{place} cannot be read: {error}") from None
    # What is no picture though its name says so is a row that says why.
    yield place, "picture" if kind in ("empty", "unknown", "list") and _ending(place) in ENDINGS else kind


def _path(place: str) -> str:
    """A place by its path in its file system; `..` stands for the folder above."""
    return os.path.normpath(file_system(place)[1])


def _whole(place: str) -> str:
    """A place by one name, however a person wrote it."""
    return place if is_url(place) else os.path.abspath(place)


def _shards_of(place: str, kind: Kind, layout: Layout) -> tuple[list[Shard], list[str]]:
    """Shards of a table or an archive, or the paths in a list."""
    tables: Sequence[Any]
    if kind == "tar" or (kind in ("empty", "unknown") and _ending(place) in ("tar", "tgz")):
        return [TarShard(place, layout.picture)], []
    if kind == "list" and layout.picture in header_cells(_text(place).partition("\n")[0].strip()):
        kind = "csv"
    if kind == "list":
        return [], _listed(place)
    if kind == "parquet":
        tables = [ParquetTable(place)]
    elif kind in ("csv", "jsonl"):
        tables = [TextTable(place, kind)]
    elif kind == "unknown" and file_system(place)[0].isdir(file_system(place)[1]):
        tables = data_set_tables(place)
    elif kind == "empty":
        raise BadInput(f"{place} is empty")
    else:
        raise BadInput(f"{place} holds neither pictures, a table, a tar nor a list of paths")
    size = layout.shard_size
    return [shard for table in tables for shard in table_shards(table, size, layout.picture)], []


def _listed(place: str) -> list[str]:
    """Paths in a text file, from the folder that it lies in."""
    lines = (line.strip() for line in _text(place).splitlines())
    found = [join(parent(place), line) for line in lines if line and not line.startswith("#")]
    first = found[:_LOOKED_AT]
    refuse_web_addresses(list(first), "1", place)
    if not any(fs.exists(path) for fs, path in map(file_system, first)):
        raise BadInput(
            f"{place} is a text, but its first lines name no file that is there ({first[0] if first else 'nothing'}); "
            "if it is a table, say which column holds the pictures: --picture-column"
        )
    return once(found, place, _whole)


def _text(place: str) -> str:
    return read_bytes(place).decode("utf-8-sig", "replace")


def _counted(shards: Sequence[Shard]) -> Inputs:
    tars = [shard for shard in shards if isinstance(shard, TarShard)]
    known = {shard.place: count_samples(shard.place) for shard in tars[:_COUNTED]}
    usual = round(sum(known.values()) / len(known)) if known else 0
    sizes = []
    for shard in shards:
        if isinstance(shard, TarShard):
            sizes.append(known.get(shard.place, usual))
        else:
            assert isinstance(shard, (FileShard, TableShard))
            sizes.append(len(shard))
    return Inputs(tuple(shards), tuple(sizes), len(tars) <= _COUNTED)


def _digest(shard: Shard) -> str:
    names = shard.places if isinstance(shard, FileShard) else (shard.name,)
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _ending(place: str) -> str:
    return place.rpartition("/")[2].rpartition(".")[2].lower()
