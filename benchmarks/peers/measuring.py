"""One cell: both sides in processes of their own, in turn, so that a busy machine slows both alike."""

from __future__ import annotations

import datetime
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from peers.agreement import worst_rank_correlation
from peers.cells import STEPS, Cell
from peers.process import Failed, Worker

if TYPE_CHECKING:
    from peers.material import Material

Record = dict[str, Any]
"""A measured cell, as it is stored: "cell", "date", "threads", "limit", "memory", "ours", "forward", "versions", "peer"
or "failed", "agreement"; a side is its "first" call and later "seconds", its "first_peak" and "peak" in bytes."""

LOADING = 900.0
"""Seconds in which a model must be ready."""
WARM_CALLS, WARM_SECONDS = 10, 10.0
"""Our calls before the rounds: what is prepared once per model, after some prompts, has been prepared by then."""
LONG_CALL = 60.0
"""No such calls where one takes so many seconds: what is prepared is a few hundredths of it."""


@dataclass(frozen=True)
class Bounds:
    """How long and how large a measurement may get.

    Attributes:
        rounds: at most; at least one is run.
        seconds: after so many no further round of a cell begins.
        limit: seconds that one call may take.
        memory: bytes that one process may take above the loaded model.
    """

    threads: int
    rounds: int
    seconds: float
    limit: float
    memory: int


def measure(cell: Cell, material: Material, pythons: dict[str, str | Path], bounds: Bounds, logs: Path) -> Record:
    """The figures of one cell.

    Args:
        pythons: interpreters of "whylight" and of the cell's peer.
        logs: a folder for what the processes say on stderr.

    Raises:
        Failed: our own side failed; the peer's failure is part of the record.
    """
    record: Record = {
        "cell": asdict(cell),
        "date": datetime.date.today().isoformat(),
        "threads": bounds.threads,
        "limit": bounds.limit,
        "memory": bounds.memory,
    }
    scripts = {"whylight": "whylight_worker", cell.peer: f"{cell.peer.replace('-', '_')}_worker"}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                Worker(pythons[side], script, threads=bounds.threads, log=logs / f"{cell.name}-{side}.txt")
            )
            for side, script in scripts.items()
        ]
        maps = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours, peer = (
            Side(worker, cell, material, bounds, maps / f"{name}.npy")
            for worker, name in zip(workers, scripts, strict=True)
        )
        for side in (ours, peer):
            side.send_load()
        record["versions"] = ours.first_call()
        try:
            record["versions"] |= peer.first_call()
            record["agreement"] = worst_rank_correlation(np.load(ours.maps), np.load(peer.maps))
        except Failed as failure:
            record["failed"] = str(failure)
        ours.warm()
        forward = run_rounds(ours, peer, cell, bounds, record)
        record |= {"ours": ours.figures(), "forward": forward}
        if "failed" not in record:
            record["peer"] = peer.figures()
    return record


def run_rounds(ours: Side, peer: Side, cell: Cell, bounds: Bounds, record: Record) -> list[float]:
    """Forward pass, ours, theirs, in turn; the seconds of the forward passes."""
    forward: list[float] = []
    start = time.monotonic()
    for number in range(bounds.rounds):
        if number and time.monotonic() - start > bounds.seconds:
            break
        forward.append(ours.run("forward"))
        ours.seconds.append(ours.run(cell.method))
        if "failed" not in record:
            try:
                peer.seconds.append(peer.run(cell.method))
            except Failed as failure:
                record["failed"] = str(failure)
    return forward


class Side:
    """One worker and what it has measured."""

    def __init__(self, worker: Worker, cell: Cell, material: Material, bounds: Bounds, maps: Path) -> None:
        self.worker, self.cell, self.material, self.bounds, self.maps = worker, cell, material, bounds, maps
        self.seconds: list[float] = []
        self.first = 0.0
        self.first_peak = 0

    def send_load(self) -> None:
        """Begin loading; the other side may load at the same time."""
        self.worker.send(
            do="load",
            model=self.cell.model,
            weights=str(self.material.weights),
            inputs=str(self.material.inputs),
            size=self.cell.size,
            steps=STEPS,
            threads=self.bounds.threads,
            memory=self.bounds.memory,
        )

    def first_call(self) -> dict[str, str]:
        """Wait for the model, run the method for the first time, keep its maps; the versions of what runs there."""
        try:
            versions: dict[str, str] = self.worker.reply(LOADING)["versions"]
        except Failed as failure:
            raise Failed(f"not loaded: {failure}") from failure
        self.first = self.run(self.cell.method, save=str(self.maps))
        self.first_peak = self.peak()
        return versions

    def run(self, what: str, save: str | None = None) -> float:
        """Seconds of one call."""
        cell = self.cell
        request = {"do": "run", "what": what, "batch": cell.batch, "targets": cell.targets, "save": save}
        return float(self.worker.ask(self.bounds.limit, **request)["seconds"])

    def warm(self) -> None:
        if self.first > LONG_CALL:
            return
        start = time.monotonic()
        for number in range(WARM_CALLS):
            if number and time.monotonic() - start > WARM_SECONDS:
                break
            self.run(self.cell.method)

    def peak(self) -> int:
        """Bytes above the loaded model, so far."""
        return int(self.worker.ask(LOADING, do="peak")["above"])

    def figures(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "seconds": self.seconds,
            "first_peak": self.first_peak,
            "peak": self.peak(),
        }
