"""One rule for what a list names twice: it counts once, and how many came again is said."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from whylight.errors import WhylightWarning

Item = TypeVar("Item")


def once(items: Iterable[Item], where: str, name: Callable[[Item], Hashable] = str) -> list[Item]:
    """The first item of each name, in order.

    Args:
        where: what the line begins with: the list that names them.
        name: of an item.

    Warns:
        WhylightWarning: how many came again, and the first of them.
    """
    first: dict[Hashable, Item] = {}
    again: list[Item] = []
    for item in items:
        if name(item) in first:
            again.append(item)
        else:
            first[name(item)] = item
    say_again(len(again), str(name(again[0])) if again else "", where)
    return list(first.values())


def say_again(count: int, first: str, where: str) -> None:
    """Say how many entries of a list name what was named before."""
    if count:
        entries = "1 entry names" if count == 1 else f"{count:,} entries name"
        said = f"{where}: {entries} what was named before ({first}): each counts once"
        warnings.warn(said, WhylightWarning, stacklevel=3)
