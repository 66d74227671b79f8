"""Rows of shards gathered until each is complete, then stored."""

from __future__ import annotations

from whylight.runs.expected import expected
from whylight.runs.folder import RunFolder
from whylight.runs.plan import Plan, Rows
from whylight.runs.progress import Clock, Progress
from whylight.runs.reading import Batch
from whylight.runs.store import write_shard


class Gathering:
    """What is done of the shards that are under way.

    Attributes:
        unread: shards that could not be read to their end, with the reason; they are not stored.
    """

    def __init__(self, plan: Plan, folder: RunFolder, mine: list[int], left: list[int], progress: Progress) -> None:
        self._plan, self._folder, self._run = plan, folder, expected(folder)
        self._rows: dict[int, Rows] = {}
        sizes = {number: plan.read.size(number) for number in mine}
        total = sum(sizes.values())
        self._clock = Clock(progress, total, total - sum(sizes[number] for number in left))
        self.unread: dict[int, str] = {}

    def add(self, batch: Batch, rows: Rows, worker: str | None = None) -> bool:
        """Add the rows of a batch; True where that finished its shard (or gave it up)."""
        gathered = self._rows.setdefault(batch.shard, [])
        gathered += rows
        self._clock.advance(len(batch.items), self._plan.failed(rows), worker)
        if not batch.last:
            return False
        del self._rows[batch.shard]
        if batch.unread is not None:
            self.unread[batch.shard] = batch.unread
        else:
            plan = self._plan
            whole = plan.finish(batch.shard, gathered)
            write_shard(self._folder, batch.shard, whole, plan.maker.columns, plan.environment, self._run)
        return True
