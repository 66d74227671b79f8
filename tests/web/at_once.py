"""Many clients at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def at_once(ask: Callable[[str], None], questions: Iterable[str]) -> None:
    """Each question by a client of its own; what one raises is raised."""
    each = list(questions)
    with ThreadPoolExecutor(len(each)) as pool:
        list(pool.map(ask, each))
