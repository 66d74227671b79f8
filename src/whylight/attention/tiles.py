"""Attention-sized products a few rows, pictures and targets at a time: memory stays linear in the number of tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from whylight.attention.call import AttentionCall, at_least_float32

TILE_BYTES = {"cpu": 3 * 2**20, "cuda": 256 * 2**20}
"""How much one tile of an attention-sized product may take: the CPU's stays in its cache."""

TOGETHER_BYTES = {"cpu": 2 * 2**20, "cuda": 256 * 2**20}
"""How much the whole maps of several pictures or targets may take to share one product: many rows of one map are
quicker on a CPU than a few rows of each."""


@dataclass(frozen=True)
class Tile:
    """Some query rows of the maps of some pictures, and the keys that any of them may attend to.

    Attributes:
        call: of these pictures and keys alone, with all their queries.
        pictures: which rows of the batch.
        rows: which queries.
        keys: which keys: under a causal mask those up to the last query, otherwise all.
    """

    call: AttentionCall
    pictures: slice
    rows: slice
    keys: slice

    def of_row(self, row: Tensor) -> Tensor:
        """Its part of a row vector (..., batch, queries)."""
        return row[..., self.pictures, self.rows]

    def of_queries(self, x: Tensor) -> Tensor:
        """Its part of something that each query has: (..., batch, heads, queries, width)."""
        return x[..., self.pictures, :, self.rows, :]

    def allowed(self) -> Tensor | None:
        return self.call.allowed(self.rows)

    def attention(self) -> Tensor:
        """Its part of A, (pictures, heads, rows, keys)."""
        return self.call.attention(self.rows)

    def map_gradient(self, gradient: Tensor) -> Tensor:
        """Its part of ∂s/∂A, (..., pictures, heads, rows, keys), for the whole call's G_O."""
        return self.call.map_gradient(gradient[..., self.pictures, :, :, :], self.rows)


def tiles(call: AttentionCall, copies: int = 1, rows: slice = slice(None)) -> Iterator[Tile]:
    """Tiles such that ``copies`` x pictures x heads x rows x keys numbers fit the memory budget."""
    start, stop, _ = rows.indices(call.queries)
    for pictures in maps_together(call, len(call.query), of_each=copies):
        part = call.of_pictures(pictures)
        size = max(1, _budget(TILE_BYTES, call) // (copies * len(part.query) * _bytes(call, rows=1)))
        for first in range(start, stop, size):
            last = min(first + size, stop)
            keys = min(last, call.keys) if call.is_causal else call.keys
            yield Tile(part.of_keys(keys), pictures, slice(first, last), slice(0, keys))


def maps_together(call: AttentionCall, count: int, of_each: int = 1) -> list[slice]:
    """Slices of ``count`` pictures or targets, of ``of_each`` whole maps each, small enough to share one product."""
    size = max(1, _budget(TOGETHER_BYTES, call) // (of_each * _bytes(call, call.queries)))
    return [slice(first, min(first + size, count)) for first in range(0, count, size)]


def _bytes(call: AttentionCall, rows: int) -> int:
    """Size of some rows of one picture's map, over all heads."""
    return max(1, call.heads * rows * call.keys * at_least_float32(call.value[:0]).element_size())


def _budget(bytes_on: dict[str, int], call: AttentionCall) -> int:
    return bytes_on.get(call.query.device.type, bytes_on["cuda"])
