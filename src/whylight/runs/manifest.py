"""What a run is: its settings, written once into its folder; other settings into the same folder are refused."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from whylight.errors import BadInput
from whylight.runs.folder import Place, RunFolder, folder_of
from whylight.runs.from_json import from_json
from whylight.runs.locks import NAME as LOCKS
from whylight.runs.type_hints import check_types

NAME = "manifest.json"
PLACE = "path"
"""The setting that says where data lie; the same data may lie elsewhere."""
MOST_PICTURES = 10_000_000
"""Of a run that reads them by number: whoever reads or continues it holds a name for each."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What any run says; its own settings come on top, everything that a row depends on.

    Attributes:
        shard_size: pictures (or texts) in a shard, where what is read has no shards of its own.
        batch_size: pictures in a batch (sums over a batch may round differently).
    """

    shard_size: int
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class NumberedSettings(RunSettings):
    """Settings of a run over pictures that are read by number.

    Attributes:
        pictures: how many of them (or of texts) are done, from the first on.
    """

    pictures: int

    @property
    def shards(self) -> int:
        return -(-self.pictures // self.shard_size)

    def pictures_of(self, shard: int) -> range:
        """Numbers of a shard's pictures."""
        start = shard * self.shard_size
        return range(start, min(start + self.shard_size, self.pictures))


Settings = TypeVar("Settings", bound=RunSettings)


def claim(place: Place | RunFolder, settings: RunSettings, environment: dict[str, object]) -> None:
    """Make the folder this run's, or find that it already is; several processes may do so at once.

    Raises:
        BadInput: it holds another run, or something else.
    """
    folder = folder_of(place)
    if not folder.has(NAME):
        others = [name for name in folder.names() if not name.startswith((f".{NAME}", LOCKS))]
        # Looked for again: another process may have claimed the folder in between.
        if others and not folder.has(NAME):
            raise BadInput(f"{folder} holds {others[0]} but no {NAME}: choose an empty folder for a run")
        folder.create(NAME, content(settings, environment))
    different = [
        f"{name}: {ours!r} here, {theirs!r} there"
        for name, ours, theirs in _differences(json.loads(json.dumps(asdict(settings))), read(folder)["settings"])
    ]
    if different:
        raise BadInput(f"{folder} holds a run with other settings ({'; '.join(different)}): choose another folder")


def content(settings: RunSettings, environment: dict[str, object]) -> bytes:
    """What stands in a manifest."""
    text = json.dumps({"settings": asdict(settings), "environment": environment}, indent=2, ensure_ascii=False)
    return (text + "\n").encode()


def read(place: Place | RunFolder) -> dict[str, Any]:
    """A run's manifest.

    Raises:
        BadInput: there is none, or it does not read.
    """
    folder = folder_of(place)
    try:
        found: dict[str, Any] = from_json(folder.read(NAME))
        if not isinstance(found["settings"], dict):
            raise TypeError("its settings are no object")
    except FileNotFoundError:
        raise BadInput(f"{folder} is no folder of a run: it has no {NAME}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder}/{NAME} does not read: {error!r}") from None
    return found


def settings_of(place: Place | RunFolder, kind: type[Settings]) -> Settings:
    """The settings of the run in a folder.

    Raises:
        BadInput: there is none, or its settings are not of this kind.
    """
    where, found = f"{folder_of(place)}/{NAME}", read(place)["settings"]
    check_types(where, found, kind)
    try:
        settings = kind(**found)
    except TypeError as error:
        raise BadInput(f"{where} was written by another command or another version: {error}") from None
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    if min(settings.shard_size, settings.batch_size) < 1 or getattr(settings, "pictures", 0) < 0:
        raise BadInput(f"{where} has a size of shards or batches below 1, or of pictures below 0")
    refuse_too_many(where, getattr(settings, "pictures", 0))
    return settings


def refuse_too_many(where: str, pictures: int) -> None:
    """Refuse a number of pictures for which memory would end, before anything is made of it.

    Raises:
        BadInput: more than ``MOST_PICTURES``.
    """
    if pictures > MOST_PICTURES:
        raise BadInput(f"{where}: a run over numbered pictures has at most {MOST_PICTURES:,} of them")


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where settings differ; the same data may lie at another place."""
    found = []
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        here, there = ours.get(name), theirs.get(name)
        if isinstance(here, dict) and isinstance(there, dict):
            found += [(f"{name}.{inner}", a, b) for inner, a, b in _differences(here, there)]
        elif here != there and name != PLACE:
            found.append((name, here, there))
    return found
