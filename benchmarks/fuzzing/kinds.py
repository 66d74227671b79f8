"""The kinds of inputs: a module each, whose ``prepare`` makes whole inputs in a folder and what tries mad ones."""

from __future__ import annotations

import importlib
from pathlib import Path

from fuzzing.trial import Attempt

SHARES = {
    "pictures": 24,
    "archives": 14,
    "checkpoints": 8,
    "configurations": 6,
    "tables": 10,
    "annotations": 10,
    "hdf5": 8,
    "shards": 8,
    "names": 4,
    "prompts": 4,
    "options": 4,
}
"""How many of 100 inputs are of each kind."""


def prepare(kind: str, folder: Path) -> Attempt:
    """Import what the kind needs, which the driver of many workers does not."""
    attempt: Attempt = importlib.import_module(f"fuzzing.{kind}").prepare(folder)
    return attempt
