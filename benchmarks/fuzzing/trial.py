"""One input tried, and what came of it."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from whylight.errors import WhylightError
from whylight.evaluation.data.data_set import Unusable

Column = Literal["one line", "result", "traceback", "hang", "wrong"]

Attempt = Callable[[Random, Path], str | None]
"""Makes an input out of random numbers in an empty folder and puts it through the house. Returns what was refused by
name inside a whole (a row, a skipped picture), None where all of it is a result; raises Wrong, or what the house
raises."""

_PLACES = 3


class Wrong(Exception):
    """A silent wrong answer, by what an independent look at the input says."""


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        kind, number: with the seed these make the input again.
        column: where it is counted.
        said: the one line, the end of the traceback, or what is wrong.
    """

    kind: str
    number: int
    column: Column
    said: str = ""


def trial(kind: str, attempt: Attempt, seed: int, number: int, folder: Path) -> Outcome:
    """Try the input of a number; the same numbers make the same input on any machine."""
    random = Random(f"{seed} {kind} {number}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refused = attempt(random, folder)
    except Wrong as error:
        return Outcome(kind, number, "wrong", str(error))
    except (WhylightError, Unusable) as error:
        return _refused(kind, number, str(error))
    except (Exception, SystemExit) as error:
        return Outcome(kind, number, "traceback", _end_of(error))
    return Outcome(kind, number, "result") if refused is None else _refused(kind, number, refused)


def check(holds: bool, what: str) -> None:
    """Raise Wrong, saying what is wrong, where something does not hold."""
    if not holds:
        raise Wrong(what)


def _refused(kind: str, number: int, said: str) -> Outcome:
    if len(said.splitlines()) != 1:
        return Outcome(kind, number, "wrong", f"the message is not one line: {said!r}")
    return Outcome(kind, number, "one line", said)


def _end_of(error: BaseException) -> str:
    places = traceback.extract_tb(error.__traceback__)[-_PLACES:]
    way = " < ".join(f"{Path(place.filename).name}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]} ({way})"
