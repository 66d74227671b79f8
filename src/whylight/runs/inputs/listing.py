"""Which shards a run has, written into its folder: so it is the same run again, or one that grows."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from whylight.errors import BadInput, WhylightWarning
from whylight.runs.expected import LISTING, read_listing
from whylight.runs.folder import RunFolder
from whylight.runs.inputs.files import FileShard
from whylight.runs.inputs.find import Inputs, Shard
from whylight.runs.inputs.sample import Sample
from whylight.runs.store import Stored, finished, read_shard, stored

OnExisting = Literal["resume", "extend", "overwrite"]


@dataclass(frozen=True)
class InputShards:
    """Shards of inputs by number; see :class:`whylight.runs.shards.Shards`.

    Attributes:
        only: of some shards only these keys are read.
        without: keys that other shards hold already.
        counted: whether sizes are exact.
    """

    shards: Mapping[int, Shard]
    sizes: Mapping[int, int]
    counted: bool = True
    only: Mapping[int, frozenset[str]] | None = None
    without: frozenset[str] = frozenset()

    @property
    def numbers(self) -> Sequence[int]:
        return sorted(self.shards)

    def size(self, number: int) -> int:
        only = None if self.only is None else self.only.get(number)
        return self.sizes[number] if only is None else len(only)

    def samples(self, number: int) -> Iterator[Sample]:
        only = None if self.only is None else self.only.get(number)
        if only is not None and any(key.endswith("/") for key in only):
            only = None  # the archive itself was damaged: all of it is looked at again
        for sample in self.shards[number].samples():
            if sample.key not in self.without and (only is None or sample.key in only):
                yield sample

    def retrying(self, only: Mapping[int, frozenset[str]]) -> InputShards:
        """Only these keys of these shards."""
        return replace(self, only=only, shards={n: s for n, s in self.shards.items() if n in only})


def listed(folder: RunFolder, inputs: Inputs, on_existing: OnExisting) -> InputShards:
    """The inputs under the numbers that the folder has for them; written into it where it has none.

    Raises:
        BadInput: the folder's run has other inputs, and may not grow.
    """
    fingerprint = _fingerprint(inputs)
    fresh = [
        _entry(n, s, d, z) for n, (s, d, z) in enumerate(zip(inputs.shards, inputs.digests, inputs.sizes, strict=True))
    ]
    if not folder.has(LISTING):
        folder.create(LISTING, _content(fingerprint, fresh))
    found = read_listing(folder)
    if found["fingerprint"] != fingerprint:
        if on_existing != "extend":
            raise BadInput(
                f"{folder} holds a run over other pictures ({len(found['shards'])} shards there, {len(fresh)} here): "
                "--on-existing extend does those that are new, overwrite starts anew"
            )
        entries = _extended(folder, found["shards"], inputs)
        folder.write(LISTING, _content(fingerprint, entries))
        found["shards"] = entries
    return _numbered(folder, found["shards"], inputs)


def _numbered(folder: RunFolder, entries: list[dict[str, Any]], inputs: Inputs) -> InputShards:
    by_digest = dict(zip(inputs.digests, inputs.shards, strict=True))
    sidecars = next((shard.sidecars for shard in inputs.shards if isinstance(shard, FileShard)), ())
    shards: dict[int, Shard] = {}
    for entry in entries:
        if "places" in entry:
            shards[entry["number"]] = FileShard(tuple(entry["places"]), sidecars)
        elif entry["digest"] in by_digest:
            shards[entry["number"]] = by_digest[entry["digest"]]
    growing = {entry["number"] for entry in entries if entry.get("grown")}
    without = stored_keys(folder, finished(folder) - growing) if growing else frozenset()
    return InputShards(shards, {entry["number"]: entry["size"] for entry in entries}, inputs.counted, None, without)


def _extended(folder: RunFolder, old: list[dict[str, Any]], inputs: Inputs) -> list[dict[str, Any]]:
    """What is stored stays, to be done anew where it is doubtful; of the inputs what is in no such shard comes in new
    ones."""
    there = stored(folder)
    kept = [entry for entry in old if entry["number"] in there.finished.union(there.doubtful)]
    known = {entry["digest"] for entry in kept}
    keys = stored_keys(folder, there.finished).union(*(entry.get("places", ()) for entry in kept))
    number = max((entry["number"] for entry in old), default=-1) + 1
    size = max((len(shard) for shard in inputs.shards if isinstance(shard, FileShard)), default=1)
    sidecars = next((shard.sidecars for shard in inputs.shards if isinstance(shard, FileShard)), ())
    files = [p for shard in inputs.shards if isinstance(shard, FileShard) for p in shard.places if p not in keys]
    new: list[tuple[Shard, str, int, bool]] = []
    for start in range(0, len(files), size):
        chunk = FileShard(tuple(files[start : start + size]), sidecars)
        new.append((chunk, chunk.name, len(chunk), False))
    for shard, digest, length in zip(inputs.shards, inputs.digests, inputs.sizes, strict=True):
        if not isinstance(shard, FileShard) and digest not in known:
            new.append((shard, digest, length, True))
    entries = [_entry(number + i, s, d, z) | ({"grown": True} if g else {}) for i, (s, d, z, g) in enumerate(new)]
    return kept + entries


def stored_keys(folder: RunFolder, shards: frozenset[int]) -> frozenset[str]:
    """Keys of all rows of some shards."""
    return frozenset(key for n in shards for key in read_shard(folder, n, ["key"]).column("key").to_pylist())


STATUS = ("key", "status")
"""Columns that tell which pictures failed."""


def failed_keys(there: Stored) -> dict[int, frozenset[str]]:
    """Shards with pictures whose status is not "ok", and the keys of those.

    Args:
        there: what is stored, with the columns of ``STATUS``.

    Warns:
        WhylightWarning: a shard is doubtful, so that nobody knows which of its pictures failed.
    """
    found = {}
    for number, rows in there.kept.items():
        table = rows.to_pydict()
        keys = frozenset(k for k, s in zip(table["key"], table["status"], strict=True) if s != "ok")
        if keys:
            found[number] = keys
    for said in there.doubtful.values():
        warnings.warn(f"{said}: without --retry-failed it is computed anew", WhylightWarning, stacklevel=2)
    return found


def _entry(number: int, shard: Shard, digest: str, size: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"number": number, "name": shard.name, "digest": digest, "size": size}
    return entry | ({"places": list(shard.places)} if isinstance(shard, FileShard) else {})


def _content(fingerprint: str, entries: list[dict[str, Any]]) -> bytes:
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    head = f'{{"fingerprint": {json.dumps(fingerprint)}, "shards": [\n{lines}\n]}}\n'
    return head.encode("utf-8", "surrogateescape")


def _fingerprint(inputs: Inputs) -> str:
    return hashlib.sha256("\n".join(inputs.digests).encode()).hexdigest()[:32]
