"""What a run is handed: its settings, what it reads, and what makes rows of it."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whylight.runs.manifest import NumberedSettings, RunSettings
from whylight.runs.reading import Lost
from whylight.runs.shards import Numbered, Shards
from whylight.runs.store import Stored

Rows = list[dict[str, Any]]


class Maker(typing.Protocol):
    """What decodes samples and makes rows of a batch of them."""

    @property
    def columns(self) -> dict[str, str]:
        """Name of each column of a row to its type; see :func:`whylight.runs.columns.table_of`."""

    def reader(self, source: Any) -> Callable[[Any], Any]:
        """What decodes a sample, in other processes too: it holds no model. An item that it gives may say by its
        ``batch_with`` which items go into one batch."""

    def rows(self, batch: Iterable[Any]) -> Rows:
        """Rows of what was decoded; values of columns that a row leaves out are null."""


@dataclass(frozen=True)
class Plan:
    """A run, ready to go.

    Attributes:
        settings: a dataclass; what its folder is claimed for.
        source: what the maker's reader reads from.
        maker: decodes samples and makes rows.
        environment: see :func:`whylight.runs.machine.environment`.
        left_out: what was asked for and is not done, and why.
        shards: what is read; default: the first ``settings.pictures`` numbers.
        lost: what stands for a sample that hangs or kills its worker.
        failed: how many pictures of some rows could not be used.
        finish: a shard's number and new rows to all rows that are stored for it.
        there: what was stored when the plan was made, where that had to be read for it.
        remake: makes this plan again in another process, model included; for engines that start processes.
    """

    settings: RunSettings
    source: Any
    maker: Maker
    environment: dict[str, object]
    left_out: Mapping[str, str] = field(default_factory=dict)
    shards: Shards | None = None
    lost: Lost | None = None
    failed: Callable[[Sequence[dict[str, Any]]], int] = lambda rows: 0
    finish: Callable[[int, Rows], Rows] = lambda number, rows: rows
    there: Stored | None = None
    remake: Callable[[], Plan] | None = None

    @property
    def read(self) -> Shards:
        if self.shards is not None:
            return self.shards
        assert isinstance(self.settings, NumberedSettings), "a plan without shards is of numbered pictures"
        return Numbered(self.settings)
