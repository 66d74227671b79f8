"""One picture of an input, before it is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """Why something cannot be used.

    Attributes:
        status: a short name, the same for everything of its kind ("no-picture").
        error: a line for a person.
    """

    status: str
    error: str


@dataclass(frozen=True)
class Sample:
    """A picture that is still encoded, or what is in its place.

    Attributes:
        key: its name; no other sample of a run has it.
        source: where it lies: a path or URL; "ARCHIVE::MEMBER" or "TABLE#ROW" inside something else.
        data: the encoded picture; None where ``source`` is a file that is read when the picture is decoded.
        fields: what else is known of it: columns of its row, texts and JSON of its sidecars.
        problem: why it has no picture.
    """

    key: str
    source: str
    data: bytes | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
