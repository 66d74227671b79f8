"""The kinds of inputs, and how many of all inputs each is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzzing import (
    annotations,
    archives,
    checkpoints,
    configurations,
    hdf5,
    names,
    options,
    pictures,
    prompts,
    shards,
    tables,
)
from fuzzing.trial import Attempt


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        prepare: makes whole inputs in a folder, and gives what tries one that is not.
        share: how many of 100 inputs are of this kind.
    """

    prepare: Callable[[Path], Attempt]
    share: int


KINDS = {
    "pictures": Kind(pictures.prepare, 24),
    "archives": Kind(archives.prepare, 10),
    "checkpoints": Kind(checkpoints.prepare, 8),
    "configurations": Kind(configurations.prepare, 8),
    "tables": Kind(tables.prepare, 10),
    "annotations": Kind(annotations.prepare, 8),
    "hdf5": Kind(hdf5.prepare, 6),
    "shards": Kind(shards.prepare, 8),
    "names": Kind(names.prepare, 6),
    "prompts": Kind(prompts.prepare, 6),
    "options": Kind(options.prepare, 6),
}
