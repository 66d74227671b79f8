"""How far two sets of maps agree: Spearman's rank correlation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Maps = npt.NDArray[np.floating]

AGREES = 0.999
"""Rank correlation that every map of two implementations of one method is asked to have."""


def worst_rank_correlation(ours: Maps, theirs: Maps) -> float:
    """The lowest rank correlation among maps (batch, targets, H, W) of two sides; NaN where a map is constant.

    Raises:
        ValueError: the two sides have different shapes.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"maps of shape {ours.shape} against {theirs.shape}")
    pairs = zip(ours.reshape(-1, *ours.shape[-2:]), theirs.reshape(-1, *theirs.shape[-2:]), strict=True)
    return float(np.min([rank_correlation(one, other) for one, other in pairs]))


def rank_correlation(one: Maps, other: Maps) -> float:
    """Spearman's: the correlation of ranks, equal values having their mean rank."""
    a, b = _centered_ranks(one), _centered_ranks(other)
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size else float("nan")


def _centered_ranks(values: Maps) -> npt.NDArray[np.float64]:
    _, place, count = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks = (last - (count - 1) / 2)[place]
    return np.asarray(ranks - ranks.mean(), dtype=np.float64)
