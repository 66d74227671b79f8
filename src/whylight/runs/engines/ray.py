"""Ray Data: tasks read and decode shards, actors that hold the model make rows, this process stores them.

The stages stream: Ray holds decoding back where the actors are behind. A task or an actor that dies is started again
and its batches are done again; this process counts each batch of a shard once.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from typing import Any

from whylight.errors import WhylightError, first_line, need
from whylight.runs.decoding import DecodingThread
from whylight.runs.folder import RunFolder
from whylight.runs.locks import ShardLocks
from whylight.runs.plan import Plan
from whylight.runs.progress import Progress
from whylight.runs.reading import Batch, Reading
from whylight.runs.store import name_of
from whylight.runs.writing import Gathering


def run_ray(
    plan: Plan,
    folder: RunFolder,
    left: list[int],
    *,
    workers: int,
    timeout: float | None,
    progress: Progress,
    address: str | None = None,
    actors: int = 1,
    gpus: float = 0,
) -> dict[int, str]:
    """Do shards on a Ray cluster.

    Args:
        left: shards that are not done.
        workers: tasks that decode at once; 0 leaves it to Ray.
        address: of a cluster; None starts one on this machine.
        actors: processes that hold the model.
        gpus: GPUs of each.

    Returns:
        Shards that could not be read to their end, with the reason.
    """
    ray, data = need("ray", "ray"), need("ray.data", "ray")
    started = not ray.is_initialized()
    if started:
        _start(ray, address)
    gathering = Gathering(plan, folder, list(plan.read.numbers), left, progress)
    try:
        with ShardLocks(folder.local) as locks:
            free = [number for number in left if locks.take(number)]
            for number in free:
                folder.sweep(name_of(number))
            if free:
                stages = _stages(data, plan, free, workers=workers, timeout=timeout, actors=actors, gpus=gpus)
                _gather(stages, gathering)
    finally:
        if started:
            ray.shutdown()
    return gathering.unread


def _start(ray: Any, address: str | None) -> None:
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, configure_logging=False)
    except Exception as error:  # of many kinds, bare ones among them
        where = "on this machine" if address is None else f"at {address}"
        raise WhylightError(f"there is no Ray cluster {where}: {first_line(error)}") from None


def _stages(
    data: Any, plan: Plan, free: list[int], *, workers: int, timeout: float | None, actors: int, gpus: float
) -> Any:
    data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    read = _Read(plan, timeout)
    shards = data.from_items([{"shard": number} for number in free], override_num_blocks=len(free))
    # Reading waits for disks as much as it computes: two tasks share a core.
    tasks = data.TaskPoolStrategy(size=workers or None)
    batches = shards.map_batches(read, batch_size=1, compute=tasks, num_cpus=0.5)
    return batches.map_batches(
        _Rows,
        fn_constructor_args=(plan.remake,),
        batch_size=1,
        compute=data.ActorPoolStrategy(size=actors),
        num_gpus=gpus or None,
        num_cpus=None if gpus else 1,
    )


def _gather(stages: Any, gathering: Gathering) -> None:
    """Rows in whatever order they come; a shard is complete when its last batch and all before it are there."""
    parts: dict[int, dict[int, dict[str, Any]]] = {}
    for row in stages.iter_rows():
        shard, place = int(row["shard"]), int(row["place"])
        known = parts.setdefault(shard, {})
        known.setdefault(place, row)
        end = next((number for number, part in known.items() if part["last"]), None)
        if end is None or len(known) <= end:
            continue
        for number in sorted(known):
            batch, rows = pickle.loads(known[number]["rows"])
            gathering.add(batch, rows, worker=str(known[number]["worker"]))
        parts[shard] = {}


class _Read:
    """A shard to its batches, in a task."""

    def __init__(self, plan: Plan, timeout: float | None) -> None:
        self._shards, self._read = plan.read, plan.maker.reader(plan.source)
        self._batch_size, self._timeout, self._lost = plan.settings.batch_size, timeout, plan.lost

    def __call__(self, rows: dict[str, Any]) -> Iterator[dict[str, list[Any]]]:
        decoder = DecodingThread(self._read)
        reading = Reading(self._shards, decoder, self._batch_size, self._timeout, self._lost)
        try:
            for shard in rows["shard"]:
                for place, batch in enumerate(reading.batches(iter([int(shard)]))):
                    content = pickle.dumps(batch, protocol=pickle.HIGHEST_PROTOCOL)
                    yield {"shard": [int(shard)], "place": [place], "last": [batch.last], "batch": [content]}
        finally:
            decoder.close()


class _Rows:
    """Batches to rows, in an actor that holds the model."""

    def __init__(self, remake: Any) -> None:
        import os

        self._maker = remake().maker
        self._worker = f"actor {os.getpid()}"

    def __call__(self, batches: dict[str, Any]) -> dict[str, list[Any]]:
        made = []
        for content in batches["batch"]:
            batch: Batch = pickle.loads(content)
            rows = self._maker.rows(batch.items) if batch.items else []
            emptied = Batch(batch.shard, [None] * len(batch.items), batch.last, batch.unread)
            made.append(pickle.dumps((emptied, rows), protocol=pickle.HIGHEST_PROTOCOL))
        kept = {name: list(batches[name]) for name in ("shard", "place", "last")}
        return kept | {"rows": made, "worker": [self._worker] * len(made)}
