"""A run: shard after shard is read, made into rows and stored; what is stored is never computed again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from whylight.errors import BadInput, WhylightWarning
from whylight.runs.engines.local import run_local
from whylight.runs.engines.ray import run_ray
from whylight.runs.engines.torchrun import rank_of_environment
from whylight.runs.folder import Place, RunFolder, folder_of
from whylight.runs.manifest import claim
from whylight.runs.part import WHOLE, Part
from whylight.runs.plan import Plan
from whylight.runs.progress import Progress, silent
from whylight.runs.store import Stored, stored

ENGINES = ("local", "torchrun", "ray")


@dataclass(frozen=True)
class Engine:
    """Where a run is done.

    Attributes:
        name: "local" (this process), "torchrun" (this process as a rank among others) or "ray".
        workers: processes that decode pictures; 0 decodes in a thread beside the model.
        timeout: seconds after which a picture that cannot be read is given up; None waits for ever.
        address: of a Ray cluster; None starts one on this machine.
        actors: of Ray, processes that hold the model.
        gpus: of Ray, GPUs of each actor.
    """

    name: str = "local"
    workers: int = 0
    timeout: float | None = None
    address: str | None = None
    actors: int = 1
    gpus: float = 0


def execute(
    plan: Plan,
    place: Place | RunFolder,
    *,
    engine: Engine = Engine(),
    part: Part = WHOLE,
    workers: int = 0,
    again: frozenset[int] = frozenset(),
    there: Stored | None = None,
    progress: Progress = silent,
) -> dict[int, str]:
    """Do what is left of a plan in its folder, which is claimed for the plan's settings.

    Args:
        part: which shards; the ranks of torchrun have theirs from the environment.
        workers: as of the engine, for the engine that is there by default.
        again: shards that are stored and done anew, instead of those that are not stored.
        there: what is stored, from whoever has just read it all; default: it is read here.

    Warns:
        WhylightWarning: a shard that is stored is damaged or another's; it is done anew.

    Returns:
        Shards that could not be read to their end, with the reason. They are not stored.

    Raises:
        BadInput: the folder holds another run.
        WhylightError: rows cannot be written.
    """
    folder = folder_of(place)
    claim(folder, plan.settings, plan.environment)
    there = there or stored(folder)
    done = there.finished - again
    left = [n for n in plan.read.numbers if n not in done and (not again or n in again)]
    _say_doubtful([there.doubtful[n] for n in left if n in there.doubtful])
    if engine.name == "ray":
        if part != WHOLE:
            raise BadInput("--shard is for processes that share a folder; Ray shares the work by itself")
        if plan.remake is None:
            raise BadInput("this run cannot be made again in Ray's processes")
        return run_ray(
            plan,
            folder,
            left,
            workers=engine.workers,
            timeout=engine.timeout,
            progress=progress,
            address=engine.address,
            actors=engine.actors,
            gpus=engine.gpus,
        )
    ranks = engine.name == "torchrun"
    return run_local(
        plan,
        folder,
        left,
        part=rank_of_environment() if ranks else part,
        workers=engine.workers or workers,
        timeout=engine.timeout,
        # A part that was asked for is all that is done; a rank takes over what dead ranks left.
        helping=ranks,
        again=bool(again),
        progress=progress,
    )


def _say_doubtful(doubts: Sequence[str]) -> None:
    if doubts:
        more = "" if len(doubts) == 1 else f" (and {len(doubts) - 1} more)"
        warnings.warn(f"{doubts[0]}{more}: computed anew", WhylightWarning, stacklevel=3)
