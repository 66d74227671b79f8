"""A question as layouts read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Asked:
    """One question, as layouts read it.

    Attributes:
        config: the model's.
        processor: the model's, whose options say how pictures are cut.
        ids: of the whole sequence.
        inputs: what the processor made of this question.
        sizes: (height, width) of each of its pictures.
    """

    config: Any
    processor: Any
    ids: list[int]
    inputs: Mapping[str, Tensor]
    sizes: Sequence[tuple[int, int]]

    @property
    def side(self) -> int:
        """Side of the tower's input, in pixels."""
        return _one(self.config.vision_config.image_size)

    @property
    def patch(self) -> int:
        return _one(self.config.vision_config.patch_size)

    @property
    def patches(self) -> int:
        """Patches along a side of the tower's input."""
        return self.side // self.patch


def _one(value: Any) -> int:
    return int(value[0] if isinstance(value, (list, tuple)) else value)


def runs_of(places: Sequence[int]) -> list[tuple[int, int]]:
    """(first, length) of each unbroken run of rising positions."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs
