"""How far a run is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Standing:
    """How far a run is, or one process's part of it.

    Attributes:
        done: pictures that are done, stored ones included.
        total: all of them; about so many where only reading tells.
        failed: pictures of this session that could not be used.
        per_second: pictures per second of this session.
        workers: pictures that each worker has done, where there are several.
    """

    done: int
    total: int
    failed: int = 0
    per_second: float = 0.0
    workers: dict[str, int] = field(default_factory=dict)


Progress = Callable[[Standing], None]


def silent(standing: Standing) -> None:
    """Progress that nobody looks at."""


class Clock:
    """Counts what is done."""

    def __init__(self, progress: Progress, total: int, stored: int) -> None:
        self._progress, self._total, self._stored = progress, total, stored
        self._start, self._done, self._failed = time.monotonic(), 0, 0
        self._workers: dict[str, int] = {}
        progress(Standing(stored, total))

    def advance(self, pictures: int, failed: int = 0, worker: str | None = None) -> None:
        self._done += pictures
        self._failed += failed
        if worker is not None:
            self._workers[worker] = self._workers.get(worker, 0) + pictures
        done = self._stored + self._done
        speed = self._done / max(time.monotonic() - self._start, 1e-9)
        self._progress(Standing(done, max(self._total, done), self._failed, speed, dict(self._workers)))
