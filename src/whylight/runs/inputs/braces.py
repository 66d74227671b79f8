"""Shell braces in names: ``{000..999}`` and ``{train,test}``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from whylight.errors import BadInput

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")
_MOST = 1_000_000


def expand_braces(text: str) -> list[str]:
    """All names that a text with braces stands for, in order, as a shell would give them; braces of another kind stay.

    A range is as wide as its wider end where one of them begins with a zero.

    Raises:
        BadInput: it stands for more than a million names.
    """
    names = list(islice(_expanded(text), _MOST + 1))
    if len(names) > _MOST:
        raise BadInput(f"{text} stands for more than {_MOST:,} names")
    return names


def _expanded(text: str) -> Iterator[str]:
    for found in _BRACES.finditer(text):
        if choices := _choices(found[1]):
            for choice in choices:
                yield from _expanded(text[: found.start()] + choice + text[found.end() :])
            return
    yield text


def _choices(inside: str) -> Iterable[str]:
    if "," in inside:
        return inside.split(",")
    ends = _RANGE.fullmatch(inside)
    if not ends:
        return ()
    first, last = int(ends[1]), int(ends[2])
    padded = any(end.startswith("0") and len(end) > 1 for end in ends.groups())
    width = max(map(len, ends.groups())) if padded else 0
    step = 1 if first <= last else -1
    return (f"{number:0{width}d}" for number in range(first, last + step, step))
