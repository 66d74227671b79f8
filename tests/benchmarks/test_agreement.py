"""Rank correlation of two sides' maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from peers.agreement import rank_correlation, worst_rank_correlation
from scipy.stats import spearmanr


def test_agrees_with_scipy_where_values_are_equal() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(0, 9, (2, 40)).astype(float)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)


def test_only_the_order_matters() -> None:
    values = np.random.default_rng(1).random((6, 7))
    assert rank_correlation(values, np.exp(5 * values)) == pytest.approx(1)
    assert rank_correlation(values, -values) == pytest.approx(-1)


def test_the_worst_map_counts() -> None:
    ours = np.random.default_rng(2).random((2, 3, 5, 5))
    theirs = ours.copy()
    theirs[1, 2] = -theirs[1, 2]
    assert worst_rank_correlation(ours, theirs) == pytest.approx(-1)


def test_a_constant_map_agrees_with_nothing() -> None:
    assert math.isnan(rank_correlation(np.zeros(9), np.arange(9.0)))


def test_a_merged_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        worst_rank_correlation(np.zeros((8, 1, 5, 5)), np.zeros((1, 1, 5, 5)))
