"""A benchmark as it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    """What is asked for; see ``whylight benchmark --help``.

    Attributes:
        leave_out: methods that cannot explain the model are left out (always so with "all"), instead of an error.
    """

    benchmark: str
    data: Path | None
    model: str
    methods: str
    explain: str | None = None
    templates: tuple[str, ...] = ()
    limit: int | None = None
    shard_size: int = 64
    batch_size: int = 16
    device: str | None = None
    precision: str | None = None
    leave_out: bool = False
