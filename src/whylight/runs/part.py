"""Which shards of a run one process does, where several share the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from whylight.errors import BadInput


@dataclass(frozen=True)
class Part:
    """Which shards are this process's: every ``of``-th, from the ``index``-th on (0 <= index < of)."""

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """From "i/n", counted from 0.

        Raises:
            BadInput: anything else.
        """
        try:
            index, of = (int(number) for number in text.split("/"))
        except ValueError:
            raise BadInput(f"--shard is i/n with 0 <= i < n, not {text!r}") from None
        if not 0 <= index < of:
            raise BadInput(f"--shard is i/n with 0 <= i < n, not {text!r}")
        return cls(index, of)

    def of_all(self, numbers: Sequence[int]) -> list[int]:
        """Its share of all shards."""
        return list(numbers[self.index :: self.of])


WHOLE = Part()
"""All shards."""
