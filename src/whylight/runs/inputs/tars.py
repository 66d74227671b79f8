"""WebDataset tars as people have them: members of one sample anywhere, names twice, archives never closed or cut."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from whylight.runs.from_json import from_json
from whylight.runs.inputs.places import open_binary
from whylight.runs.inputs.sample import Problem, Sample

_ENDINGS = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff", "avif", "jp2", "ppm", "img")
_USUAL = ("jpg", "jpeg", "png", "webp", "input", "image", "img", "picture")
"""Parts of an ending that mark the picture, where a sample has several."""
BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error)
"""What a damaged archive makes its reader raise."""
_PIECE = 2**20
_LARGEST = 2**30
"""Bytes of a member. A sparse one, or one that is compressed, may be any number of them out of a few."""


@dataclass
class _Group:
    """Members of one sample: ending to the members of that name."""

    members: dict[str, list[tarfile.TarInfo]] = field(default_factory=dict)


@dataclass(frozen=True)
class TarShard:
    """A tar as one shard.

    Attributes:
        place: path or URL.
        picture: the ending of the picture's member ("input.jpg"); None looks for it.
    """

    place: str
    picture: str | None = None

    @property
    def name(self) -> str:
        return self.place

    def samples(self) -> Iterator[Sample]:
        """Each sample once, in the order of first members, then what is wrong with the archive itself."""
        try:
            file = open_binary(self.place)
        except OSError as error:
            yield _broken(self.place, "unreadable-archive", f"{self.place} cannot be read: {error}")
            return
        with file:
            groups, problem, archive = _index(file)
            for key, group in groups.items():
                yield self._sample(archive, key, group)
        if problem:
            yield _broken(self.place, problem.status, f"{self.place}: {problem.error}")

    def _sample(self, archive: tarfile.TarFile | None, key: str, group: _Group) -> Sample:
        where = f"{self.place}::{key}"
        name = f"{self.place}/{key}"
        fields: dict[str, Any] = {}
        try:
            chosen = self._choose(group)
            if isinstance(chosen, Problem):
                return Sample(name, where, problem=chosen)
            data = _content(archive, group.members[chosen])
            for ending, members in group.members.items():
                if ending.split(".")[-1] in ("txt", "json", "cls", "caption"):
                    fields[ending] = _text(ending, _content(archive, members))
        except _Differing as error:
            return Sample(name, where, problem=Problem("duplicate-member", str(error)))
        except ValueError as error:
            return Sample(name, where, problem=Problem("bad-sidecar", f"{where}: {error}"))
        except BROKEN as error:
            return Sample(name, where, problem=Problem("cut-member", f"{where} cannot be read: {error}"))
        if isinstance(fields.get("json"), Mapping):
            fields |= {inner: value for inner, value in fields["json"].items() if inner not in fields}
        return Sample(name, f"{self.place}::{group.members[chosen][-1].name}", data, fields)

    def _choose(self, group: _Group) -> str | Problem:
        """The ending of the sample's picture."""
        there = ", ".join(sorted(group.members))
        if self.picture is not None:
            found = [self.picture] if self.picture in group.members else []
        else:
            found = [ending for ending in group.members if ending.split(".")[-1] in _ENDINGS]
            if len(found) > 1:
                for usual in _USUAL:
                    marked = [ending for ending in found if ending.split(".")[0] == usual]
                    if len(marked) == 1:
                        return marked[0]
        if not found:
            return Problem("no-picture", f"the sample has no picture: {there}")
        if len(found) > 1:
            return Problem("ambiguous-picture", f"several pictures: {there}; name one with --picture-column")
        return found[0]


class _Differing(Exception):
    pass


def count_samples(place: str) -> int:
    """How many samples a tar has, from its headers alone."""
    try:
        with open_binary(place) as file:
            groups, problem, _ = _index(file)
    except OSError:
        return 1
    return len(groups) + (problem is not None)


def _index(file: IO[bytes]) -> tuple[dict[str, _Group], Problem | None, tarfile.TarFile | None]:
    """All members by sample, from the headers; the data of most are only skipped."""
    groups: dict[str, _Group] = {}
    size = _size(file)
    try:
        archive = tarfile.open(fileobj=file, mode="r:" if size is not None else "r:gz")  # noqa: SIM115
    except BROKEN as error:
        return groups, Problem("unreadable-archive", f"no tar: {error}"), None
    problem = None
    while True:
        try:
            member = archive.next()
        except BROKEN as error:
            problem = Problem("cut-archive", f"the archive is cut or damaged: {error}")
            break
        if member is None:
            problem = _behind_the_end(archive)
            break
        if member.isfile():
            key, ending = _split(member.name)
            if not key.rpartition("/")[2]:
                continue
            groups.setdefault(key, _Group()).members.setdefault(ending, []).append(member)
            if size is not None and member.offset_data + member.size > size:
                problem = Problem("cut-archive", f"the archive ends inside {member.name}")
                break
    return groups, problem, archive


def _behind_the_end(archive: tarfile.TarFile) -> Problem | None:
    """Whether the archive ends where its reader stops: behind its last member are zeros or nothing, where one with a
    damaged header, or one that others were put behind, goes on."""
    file = archive.fileobj
    assert file is not None
    try:
        file.seek(archive.offset)
        while block := file.read(_PIECE):
            if block.strip(b"\0"):
                said = f"behind byte {archive.offset} lies more, but no member: it is damaged, or several in one file"
                return Problem("cut-archive", said)
    except BROKEN as error:
        return Problem("cut-archive", f"the archive is cut or damaged: {error}")
    return None


def _size(file: IO[bytes]) -> int | None:
    """Bytes of a plain file; None of a compressed one, whose members lie elsewhere."""
    if file.read(2) == b"\x1f\x8b":
        file.seek(0)
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _split(name: str) -> tuple[str, str]:
    """WebDataset's rule: the key ends at the first dot of the last part of the name."""
    folder, slash, last = name.removeprefix("./").rpartition("/")
    stem, _, ending = last.partition(".")
    return folder + slash + stem, ending.lower()


def content_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """All bytes of a member.

    Raises:
        EOFError: the archive ends inside it.
        tarfile.TarError: it is larger than a gibibyte, or damaged.
    """
    if member.size > _LARGEST:
        raise tarfile.ReadError(f"{member.name} is to have {member.size:,} bytes, more than a gibibyte")
    opened = archive.extractfile(member)
    content = opened.read() if opened else b""
    if len(content) < member.size:
        raise EOFError(f"the archive ends inside {member.name}")
    return content


def _content(archive: tarfile.TarFile | None, members: list[tarfile.TarInfo]) -> bytes:
    """The bytes of a member; of one that is there several times, if all are the same."""
    assert archive is not None
    contents = [content_of(archive, member) for member in members]
    if any(content != contents[0] for content in contents):
        raise _Differing(f"{members[0].name} is in the archive {len(members)} times, with different content")
    return contents[0]


def _text(ending: str, content: bytes) -> Any:
    text = content.decode("utf-8-sig")
    return from_json(text) if ending.split(".")[-1] == "json" else text.strip()


def _broken(place: str, status: str, error: str) -> Sample:
    return Sample(f"{place}/", place, problem=Problem(status, error))
