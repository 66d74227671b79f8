"""Spearman's rank correlation of maps."""

from __future__ import annotations

import torch
from torch import Tensor


def rank_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Of rows (n, places) with rows of the same places: (n,) in [-1, 1]; 0 where one of the two is constant."""
    a, b = (ranks(rows.double()) for rows in (one, other))
    a, b = (row - row.mean(1, keepdim=True) for row in (a, b))
    lengths = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(lengths > 0, (a * b).sum(1) / lengths.where(lengths > 0, 1.0), 0.0)


def ranks(rows: Tensor) -> Tensor:
    """The place of each value in the order of its row, from 0; equal values share the mean of their places."""
    below = torch.searchsorted(rows.sort(dim=1).values, rows, right=False)
    upto = torch.searchsorted(rows.sort(dim=1).values, rows, right=True)
    return (below + upto - 1).double() / 2
