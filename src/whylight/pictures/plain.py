"""Values as JSON takes them: NaN and infinity are None."""

from __future__ import annotations

import math


def plain_number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def plain_numbers(rows: list[list[float]]) -> list[list[float | None]]:
    return [[plain_number(value) for value in row] for row in rows]


def plain_value(value: object) -> object:
    """Numbers, truth values and strings as they are, anything else as it prints."""
    return value if isinstance(value, (bool, int, float, str, type(None))) else repr(value)
