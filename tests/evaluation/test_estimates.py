"""Bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from whylight.evaluation.estimates import estimate, per_picture


def share(sums):
    return {"share": sums[..., 0] / sums[..., 1]}


def test_the_interval_of_a_share_is_the_binomial_one():
    random = np.random.default_rng(3)
    hits = (random.random(400) < 0.3).astype(float)
    result = estimate(np.stack([hits, np.ones(400)], axis=1), share)["share"]
    error = np.sqrt(hits.mean() * (1 - hits.mean()) / 400)
    assert result.value == hits.mean()
    assert result.low == pytest.approx(hits.mean() - 1.96 * error, abs=0.01)
    assert result.high == pytest.approx(hits.mean() + 1.96 * error, abs=0.01)


def test_rows_of_one_picture_are_drawn_together():
    pictures = np.repeat(np.array(["a", "b", "c", "d"]), 100)
    hits = np.repeat([0.0, 0.0, 1.0, 1.0], 100)
    statistics = np.stack([hits, np.ones(400)], axis=1)
    together = estimate(per_picture(pictures, statistics), share)["share"]
    apart = estimate(statistics, share)["share"]
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 5 * (apart.high - apart.low)


def test_the_same_seed_gives_the_same_interval_and_sparse_sums_the_same_as_dense():
    sums = np.random.default_rng(0).random((50, 2))
    first, second = estimate(sums, share)["share"], estimate(csr_array(sums), share)["share"]
    for name in ("value", "low", "high"):
        assert getattr(first, name) == pytest.approx(getattr(second, name))
    assert first.low < first.value < first.high


def test_curves_have_an_interval_at_every_point():
    sums = np.random.default_rng(1).random((30, 4))
    result = estimate(sums, lambda s: {"curve": s[..., :3] / s[..., 3:]})["curve"]
    assert result.value.shape == result.low.shape == (3,)
    assert (result.low <= result.value).all()
