"""What a run is made of: shards, each of which is done as a whole."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whylight.runs.manifest import NumberedSettings


class Shards(typing.Protocol):
    """What is read, shard by shard, in other processes too."""

    @property
    def numbers(self) -> Sequence[int]:
        """Numbers of all shards; rows are stored under them."""

    def size(self, number: int) -> int:
        """How many pictures a shard has; about so many, where only reading tells."""

    def samples(self, number: int) -> Iterator[Any]:
        """A shard's samples, not decoded, in order."""


@dataclass(frozen=True)
class Numbered:
    """Pictures that are read by number, equally many in each shard but the last."""

    settings: NumberedSettings

    @property
    def numbers(self) -> Sequence[int]:
        return range(self.settings.shards)

    def size(self, number: int) -> int:
        return len(self.settings.pictures_of(number))

    def samples(self, number: int) -> Iterator[int]:
        return iter(self.settings.pictures_of(number))
