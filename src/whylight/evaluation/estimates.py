"""Figures with their uncertainty: bootstrap confidence intervals, pictures drawn with replacement.

Every figure of every protocol is a function of sums over pictures, so a resample is one weighted sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
DRAWS = 1000
_CELLS = 2**24


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval: numbers, or arrays of one shape (a curve, one value per class)."""

    value: Array
    low: Array
    high: Array


def estimate(
    sums: Any, figures: Callable[[Array], Mapping[str, Array]], draws: int = DRAWS, seed: int = 0
) -> dict[str, Estimate]:
    """Figures of a set of pictures, each with a 95 % percentile interval.

    Args:
        sums: (pictures, statistics), what each picture adds; a numpy array or a scipy sparse matrix.
        figures: sums (..., statistics) to named figures (...) or (..., k).
        draws: number of resamples.
        seed: of the resamples; the same seed gives all methods the same pictures.
    """
    pictures, statistics = sums.shape
    if pictures == 0:
        return {}
    random = np.random.default_rng(seed)
    chunk = max(1, min(draws, _CELLS // max(pictures, statistics)))
    drawn: dict[str, list[Array]] = {}
    for start in range(0, draws, chunk):
        weights = random.multinomial(pictures, np.full(pictures, 1 / pictures), min(chunk, draws - start))
        for name, values in figures(np.asarray(weights.astype(np.float64) @ sums)).items():
            drawn.setdefault(name, []).append(values)
    whole = figures(np.asarray(np.ones(pictures) @ sums).reshape(-1))
    return {name: _interval(value, np.concatenate(drawn[name])) for name, value in whole.items()}


def _interval(value: Array, drawn: Array) -> Estimate:
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile(drawn, (2.5, 97.5), axis=0) if np.isfinite(drawn).any() else (value, value)
    return Estimate(np.asarray(value), np.asarray(low), np.asarray(high))


def per_picture(pictures: Array, statistics: Array) -> Array:
    """Sum rows (rows, k) that belong to the same picture: (distinct pictures, k), in order of the pictures' names."""
    _, code = np.unique(pictures, return_inverse=True)
    sums = np.zeros((int(code.max()) + 1 if len(code) else 0, statistics.shape[1]))
    np.add.at(sums, code, statistics)
    return sums
