"""Inputs tried in a process of their own, which is started again where one of them kills it or hangs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from peers.process import Failed, Worker

from fuzzing.trial import Outcome

_SCRIPT = Path(__file__).with_name("serving")
_PREPARING = 600.0
"""Seconds for the whole inputs of a kind, and for the import of everything."""


def tried_in_worker(inputs: Iterable[tuple[str, int]], seed: int, limit: float) -> Iterator[Outcome]:
    """Try inputs, as (kind, number), one after the other.

    Args:
        limit: seconds after which an input hangs.
    """
    worker, prepared = _started(), set[str]()
    try:
        for kind, number in inputs:
            if kind not in prepared:
                worker.ask(_PREPARING, kind=kind)
                prepared.add(kind)
            try:
                yield Outcome(**worker.ask(limit, kind=kind, number=number, seed=seed))
            except Failed as error:
                hangs = str(error).startswith("over")
                yield Outcome(kind, number, "hang" if hangs else "traceback", str(error))
                worker.end()
                worker, prepared = _started(), set()
    finally:
        worker.end()


def _started() -> Worker:
    return Worker(sys.executable, str(_SCRIPT), threads=1, log=Path(os.devnull))
