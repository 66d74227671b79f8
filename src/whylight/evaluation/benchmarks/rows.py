"""What rows of all benchmarks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

COLUMNS = {
    "picture": "string",
    "explained": "string",
    "label": "string",
    "shown": "string",
    "method": "string",
    "skipped": "string",
    "relevance": "list<float>",
}
"""Columns of every row, with their types; a protocol's own come on top."""

NOT_FINITE = "the map holds values that are not finite"


@dataclass(frozen=True)
class Skipped:
    """A picture or document that is left out, and why."""

    name: str
    reason: str

    @property
    def row(self) -> Row:
        return {"picture": self.name, "skipped": self.reason}
