"""Ranks that ``torchrun`` or Slurm started: each has its share of the shards, and none waits for another."""

from __future__ import annotations

import os

from whylight.errors import BadInput
from whylight.runs.part import Part

_VARIABLES = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"))


def rank_of_environment() -> Part:
    """This process's share, from the variables that torchrun and Slurm set.

    Raises:
        BadInput: neither started it, or what they say makes no sense.
    """
    for rank, world in _VARIABLES:
        if rank in os.environ and world in os.environ:
            try:
                index, of = int(os.environ[rank]), int(os.environ[world])
            except ValueError:
                said = f"{rank}={os.environ[rank]!r} or {world}={os.environ[world]!r} is no number"
                raise BadInput(said) from None
            if not 0 <= index < of:
                raise BadInput(f"{rank}={index} is not below {world}={of}")
            return Part(index, of)
    raise BadInput(
        "--engine torchrun finds neither RANK and WORLD_SIZE nor SLURM_PROCID and SLURM_NTASKS: start it by "
        "`torchrun --nproc-per-node N -m whylight run ...` or `srun`"
    )


def local_device(device: str | None) -> str | None:
    """The GPU of this rank where "cuda" is asked for without a number."""
    local = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID"))
    return f"cuda:{local}" if device == "cuda" and local is not None else device
