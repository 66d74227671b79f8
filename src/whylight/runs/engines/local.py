"""This process: its own shards first, then what is left of others' that nobody is working on."""

from __future__ import annotations

from collections.abc import Iterator

from whylight.runs.decoding import Decoder, DecodingProcesses, DecodingThread
from whylight.runs.expected import expected
from whylight.runs.folder import RunFolder
from whylight.runs.locks import ShardLocks
from whylight.runs.part import Part
from whylight.runs.plan import Plan
from whylight.runs.progress import Progress
from whylight.runs.reading import Reading
from whylight.runs.store import is_sound, name_of
from whylight.runs.writing import Gathering


def run_local(
    plan: Plan,
    folder: RunFolder,
    left: list[int],
    *,
    part: Part,
    workers: int,
    timeout: float | None,
    helping: bool,
    again: bool,
    progress: Progress,
) -> dict[int, str]:
    """Do shards in this process.

    Args:
        left: shards that were not done when the run began.
        part: which of all shards are this process's.
        workers: processes that decode; 0 decodes in a thread of this one.
        helping: whether shards of other parts are done once its own are.
        again: shards in ``left`` are stored already, and done anew.

    Returns:
        Shards that could not be read to their end, with the reason.
    """
    numbers = list(plan.read.numbers)
    own = set(part.of_all(numbers))
    mine = [number for number in left if number in own]
    others = [number for number in left if number not in own] if helping else []
    read = plan.maker.reader(plan.source)
    decoder: Decoder = (
        DecodingProcesses(read, workers)
        if workers
        else DecodingThread(read, stands_back=plan.environment.get("device") == "cpu")
    )
    reading = Reading(plan.read, decoder, plan.settings.batch_size, timeout, plan.lost)
    gathering = Gathering(plan, folder, [n for n in numbers if n in own], mine, progress)
    with ShardLocks(folder.local) as locks:
        try:
            taken: list[int] = []
            # Those that others were doing are looked at once more in the end: they may have died meanwhile.
            for numbers in (mine + others, taken):
                for batch in reading.batches(_free(list(numbers), folder, locks, taken, again=again)):
                    if gathering.add(batch, plan.maker.rows(batch.items) if batch.items else []):
                        locks.release(batch.shard)
        finally:
            decoder.close()
    return gathering.unread


def _free(numbers: list[int], folder: RunFolder, locks: ShardLocks, taken: list[int], *, again: bool) -> Iterator[int]:
    """Shards that nobody has done or is doing, as they are asked for; what others are doing is added to ``taken``."""
    run = expected(folder)
    for number in numbers:
        if not locks.take(number):
            taken.append(number)
            continue
        # Between the look at the folder and the lock another process may have finished it.
        if not again and locks.shared and is_sound(folder, number, run):
            locks.release(number)
            continue
        folder.sweep(name_of(number))
        yield number
