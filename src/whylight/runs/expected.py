"""What the files of a run's rows must be of: which run, which shard, which pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whylight.errors import BadInput
from whylight.runs.folder import Place, RunFolder, folder_of
from whylight.runs.from_json import from_json
from whylight.runs.manifest import NAME, PLACE, read, refuse_too_many

LISTING = "shards.json"
"""Which pictures each shard has, where these are not read by number."""


@dataclass(frozen=True)
class Expected:
    """The shards of a run.

    Attributes:
        run: a digest of its settings.
        pictures: number of each shard to a digest that tells its pictures from another's.
    """

    run: str
    pictures: Mapping[int, str]

    def mark(self, number: int) -> dict[str, object]:
        """What the file of a shard says of itself."""
        return {"run": self.run, "shard": number, "pictures": self.pictures[number]}


def expected(place: Place | RunFolder) -> Expected:
    """What the run in a folder says of its shards.

    Raises:
        BadInput: no run is there, or its manifest or its list of shards does not read, or says what cannot be.
    """
    folder = folder_of(place)
    settings = read(folder)["settings"]
    run = hashlib.sha256(json.dumps(_without_places(settings), sort_keys=True).encode()).hexdigest()[:16]
    if folder.has(LISTING):
        entries = read_listing(folder)["shards"]
        return Expected(run, {entry["number"]: entry["digest"] for entry in entries})
    try:
        pictures, size = int(settings["pictures"]), int(settings["shard_size"])
        shards = range(-(-pictures // size))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        raise BadInput(f"{folder} says nowhere which shards its run has: {LISTING} is missing") from None
    refuse_too_many(f"{folder}/{NAME}", pictures)
    return Expected(run, {n: f"from {n * size} on" for n in shards})


def read_listing(folder: RunFolder) -> dict[str, Any]:
    """The list of a run's shards: its "fingerprint", and of each of its "shards" number, name, digest and size.

    Raises:
        BadInput: it does not read.
    """
    try:
        found: dict[str, Any] = from_json(folder.read(LISTING).decode("utf-8", "surrogateescape"))
        kinds = {"number": int, "name": str, "digest": str, "size": int}
        whole = isinstance(found["fingerprint"], str) and all(
            isinstance(entry[name], kind) for entry in found["shards"] for name, kind in kinds.items()
        )
        whole &= all(isinstance(place, str) for entry in found["shards"] for place in entry.get("places", ()))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder}/{LISTING} does not read: {error!r}") from None
    if not whole:
        raise BadInput(f"{folder}/{LISTING} does not read: what it says of shards is of other types")
    return found


def _without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings but for where the same data lie."""
    return {
        name: _without_places(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name != PLACE
    }
