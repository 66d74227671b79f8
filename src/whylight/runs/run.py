"""A run: shard after shard, each explained, measured and stored; what is stored is never computed again."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.benchmark import Protocol
from whylight.evaluation.data.data_set import DataSet
from whylight.runs.manifest import Settings, claim
from whylight.runs.store import finished, write_shard

Progress = Callable[[int], None]
"""Called with the number of pictures that were just done."""


class Maker(typing.Protocol):
    """What reads pictures or texts by number and makes rows of a batch of them."""

    @property
    def benchmark(self) -> Protocol: ...

    def reader(self, source: Any) -> Callable[[int], Any]: ...

    def rows(self, batch: Iterable[Any]) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Part:
    """Which shards are this process's: every ``of``-th, from the ``index``-th on (0 <= index < of)."""

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """From "i/n", counted from 0.

        Raises:
            BadInput: anything else.
        """
        try:
            index, of = (int(number) for number in text.split("/"))
        except ValueError:
            raise BadInput(f"--shard is i/n with 0 <= i < n, not {text!r}") from None
        if not 0 <= index < of:
            raise BadInput(f"--shard is i/n with 0 <= i < n, not {text!r}")
        return cls(index, of)

    def shards(self, count: int) -> list[int]:
        return list(range(self.index, count, self.of))


WHOLE = Part()
"""All shards."""


def left_to_do(folder: Path, settings: Settings, part: Part) -> list[int]:
    """Numbers of this part's shards that are not stored yet."""
    done = finished(folder)
    return [number for number in part.shards(settings.shards) if number not in done]


def pictures_of(settings: Settings, shard: int) -> range:
    """Numbers of a shard's pictures."""
    start = shard * settings.shard_size
    return range(start, min(start + settings.shard_size, settings.pictures))


def run(
    folder: Path,
    settings: Settings,
    source: DataSet[Any],
    maker: Maker,
    environment: dict[str, object],
    *,
    part: Part = WHOLE,
    workers: int = 0,
    progress: Progress = lambda count: None,
) -> None:
    """Do what is left of a run.

    Args:
        folder: the run's; claimed for these settings.
        workers: processes that decode pictures; 0 decodes in this one.

    Raises:
        BadInput: the folder holds another run.
    """
    claim(folder, settings, environment)
    shards = left_to_do(folder, settings, part)
    batches = [
        (shard, pictures_of(settings, shard)[start : start + settings.batch_size])
        for shard in shards
        for start in range(0, len(pictures_of(settings, shard)), settings.batch_size)
    ]
    rows: list[dict[str, object]] = []
    loaded = _load(maker.reader(source), [list(numbers) for _, numbers in batches], workers)
    for position, ((shard, numbers), pictures) in enumerate(zip(batches, loaded, strict=True)):
        rows += maker.rows(pictures)
        if position + 1 == len(batches) or batches[position + 1][0] != shard:
            write_shard(folder, shard, rows, maker.benchmark.columns, environment)
            rows = []
        progress(len(numbers))


class _Read(Dataset[Any]):
    def __init__(self, read: Callable[[int], Any]) -> None:
        self.read = read

    def __getitem__(self, index: int) -> Any:
        return self.read(index)


def _load(read: Callable[[int], Any], batches: Sequence[list[int]], workers: int) -> Iterator[list[Any]]:
    """Batches of what was read, in order."""
    loader: DataLoader[Any] = DataLoader(
        _Read(read),
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=list,
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)
