"""A run: shard after shard is read, made into rows and stored; what is stored is never computed again."""

from __future__ import annotations

import time
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset

from whylight.runs.manifest import RunSettings, claim
from whylight.runs.part import WHOLE, Part
from whylight.runs.store import finished, write_shard

Progress = Callable[[int, int, float], None]
"""Told the pictures done (stored ones included), all of this part's, and this process's pictures per second."""


class Maker(typing.Protocol):
    """What reads pictures or texts by number and makes rows of a batch of them."""

    @property
    def columns(self) -> dict[str, str]:
        """Name of each column of a row to its type; see :func:`whylight.runs.store.write_shard`."""

    def reader(self, source: Any) -> Callable[[int], Any]:
        """What reads by number, in other processes too: it holds no model."""

    def rows(self, batch: Iterable[Any]) -> list[dict[str, Any]]:
        """Rows of what was read; values of columns that a row leaves out are null."""


@dataclass(frozen=True)
class Plan:
    """A run, ready to go.

    Attributes:
        settings: a dataclass; what its folder is claimed for.
        source: what the maker's reader reads from; the first ``settings.pictures`` of it are done.
        environment: see :func:`whylight.runs.machine.environment`.
        left_out: what was asked for and is not done, and why.
    """

    settings: RunSettings
    source: Sized
    maker: Maker
    environment: dict[str, object]
    left_out: Mapping[str, str] = field(default_factory=dict)


def execute(
    plan: Plan,
    folder: Path,
    *,
    part: Part = WHOLE,
    workers: int = 0,
    progress: Progress = lambda done, total, per_second: None,
) -> None:
    """Do what is left of a plan in its folder, which is claimed for the plan's settings.

    Args:
        workers: processes that decode pictures; 0 decodes in this one.

    Raises:
        BadInput: the folder holds another run.
    """
    settings = plan.settings
    claim(folder, settings, plan.environment)
    mine, done = part.shards(settings.shards), finished(folder)
    left = [shard for shard in mine if shard not in done]
    clock = _Clock(progress, _count(settings, mine), _count(settings, mine) - _count(settings, left))
    batches = [
        (shard, settings.pictures_of(shard)[start : start + settings.batch_size])
        for shard in left
        for start in range(0, len(settings.pictures_of(shard)), settings.batch_size)
    ]
    rows: list[dict[str, object]] = []
    loaded = _load(plan.maker.reader(plan.source), [list(numbers) for _, numbers in batches], workers)
    for position, ((shard, numbers), pictures) in enumerate(zip(batches, loaded, strict=True)):
        rows += plan.maker.rows(pictures)
        if position + 1 == len(batches) or batches[position + 1][0] != shard:
            write_shard(folder, shard, rows, plan.maker.columns, plan.environment)
            rows = []
        clock.advance(len(numbers))


def _count(settings: RunSettings, shards: Iterable[int]) -> int:
    return sum(len(settings.pictures_of(shard)) for shard in shards)


class _Clock:
    """Says how far a part is, and how fast."""

    def __init__(self, progress: Progress, total: int, stored: int) -> None:
        self._progress, self._total, self._stored = progress, total, stored
        self._start, self._done = time.monotonic(), 0
        progress(stored, total, 0.0)

    def advance(self, pictures: int) -> None:
        self._done += pictures
        per_second = self._done / max(time.monotonic() - self._start, 1e-9)
        self._progress(self._stored + self._done, self._total, per_second)


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
