"""Whether weights are still what they were."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

Stamp = tuple[tuple[int, int], ...]


def stamp(weights: Iterable[Tensor]) -> Stamp:
    """Changes whenever one of the weights is replaced, moved or written to."""
    return tuple((tensor.data_ptr(), tensor._version) for tensor in weights)
