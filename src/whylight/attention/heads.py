"""A row vector times the maps of one head, the mean or the maximum over heads, or each head's own."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from whylight.attention.call import AttentionCall
from whylight.attention.row_products import attention_rows, support
from whylight.attention.tiles import tiles
from whylight.errors import BadInput

Head = int | Literal["mean", "max", "all"]
"""One head, counted from 0 or from the end; mean or maximum of the heads' maps; "all": each kept."""


@torch.no_grad()
def rows_of_heads(call: AttentionCall, row: Tensor, head: Head) -> Tensor:
    """row · A of the chosen head: (batch, keys); of "all" (batch, heads, keys).

    Args:
        row: (batch, queries).

    Raises:
        BadInput: no such head.
    """
    if head == "max":
        return _sum_of_tiles(call, row, normalized=False)
    by_head = attention_rows(call, row)
    if head == "all":
        return by_head
    return by_head.mean(-2) if head == "mean" else by_head[:, head_index(head, call.heads)]


@torch.no_grad()
def rollout_step(call: AttentionCall, row: Tensor, head: Head) -> Tensor:
    """row · Â, where Â = A + I with rows that sum to one, A of the chosen head: shaped as ``row``.

    Args:
        row: (batch, queries); of "all" (batch, heads, queries), each head's own, which goes through that head's A.

    Raises:
        BadInput: no such head.
    """
    if head == "max":
        return _sum_of_tiles(call, row, normalized=True)
    through = _each_by_itself(call, row) if head == "all" else rows_of_heads(call, row, head)
    return (row + through) / 2  # rows of A sum to one, so those of A + I to two


def head_index(head: int, heads: int) -> int:
    """A head counted from 0, or from the end where negative, as an index.

    Raises:
        BadInput: there is no such head.
    """
    if not -heads <= head < heads:
        raise BadInput(f"head {head} is outside a layer of {heads} heads, numbered from 0")
    return head % heads


def _each_by_itself(call: AttentionCall, row: Tensor) -> Tensor:
    total = row.new_zeros(*row.shape[:2], call.keys)
    for tile in tiles(call, rows=support(row)):
        part = row[tile.pictures, :, tile.rows]
        total[tile.pictures, :, tile.keys] += torch.einsum("bhq,bhqk->bhk", part, tile.attention())
    return total


def _sum_of_tiles(call: AttentionCall, row: Tensor, *, normalized: bool) -> Tensor:
    """row · M, M the maximum over heads of A; ``normalized``: row · (M + I), its rows divided by their sums."""
    total = row.new_zeros(len(row), call.keys)
    for tile in tiles(call, rows=support(row)):
        strongest, part = tile.attention().amax(1), tile.of_row(row)
        if normalized:
            part = part / (1 + strongest.sum(-1))
            total[tile.pictures, tile.rows] += part
        total[tile.pictures, tile.keys] += torch.einsum("bq,bqk->bk", part, strongest)
    return total
