"""Pictures that are files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whylight.runs.from_json import from_json
from whylight.runs.inputs.places import read_bytes
from whylight.runs.inputs.sample import Problem, Sample


@dataclass(frozen=True)
class FileShard:
    """Some files.

    Attributes:
        places: paths or URLs, which are the keys.
        sidecars: endings of files beside each picture that are read for its fields ("txt", "json").
    """

    places: tuple[str, ...]
    sidecars: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.places[0]} ... {self.places[-1]}" if len(self.places) > 1 else self.places[0]

    def __len__(self) -> int:
        return len(self.places)

    def samples(self) -> Iterator[Sample]:
        for place in self.places:
            fields: dict[str, Any] = {}
            problem = None
            for ending in self.sidecars:
                try:
                    fields |= read_sidecar(place, ending)
                except FileNotFoundError:
                    continue
                except (OSError, ValueError) as error:
                    problem = Problem("bad-sidecar", f"the {ending} beside {place} cannot be read: {error}")
            yield Sample(place, place, fields=fields, problem=problem)


def read_sidecar(place: str, ending: str) -> dict[str, Any]:
    """What stands in the file of another ending beside a picture: its text, or its JSON with the names in it."""
    head, dot, _ = place.rpartition(".")
    text = read_bytes(f"{head if dot else place}.{ending}").decode("utf-8-sig")
    if ending != "json":
        return {ending: text.strip()}
    value = from_json(text)
    return {"json": value} | (value if isinstance(value, dict) else {})
