"""Rules against their formulas written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall, tiles
from whylight.propagation import BASELINE, CONSERVATIVE, propagation
from whylight.propagation.attention import attention_relevance, row_times_normalized, row_times_relevance
from whylight.propagation.pictures import picture_convolution
from whylight.propagation.rules import STABILIZER, divide


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def close(value: Tensor, expected: Tensor, tolerance: float = 1e-11) -> bool:
    return value.shape == expected.shape and bool((value - expected).abs().max() <= tolerance * expected.abs().max())


def test_division_by_zero_is_zero() -> None:
    z = torch.tensor([0.0, 2.0, -2.0], dtype=torch.float64)
    assert divide(torch.ones(3), z).tolist() == [0, 1 / (2 + STABILIZER), 1 / (-2 + STABILIZER)]


@pytest.mark.parametrize("bias", [None, randn(6, seed=3)])
def test_linear_rules(bias: Tensor | None) -> None:
    x, weight, relevance = randn(2, 3, 5), randn(6, 5, seed=1), randn(2, 3, 6, seed=2)
    halves = [(x.clamp(min=0), weight.clamp(min=0)), (x.clamp(max=0), weight.clamp(max=0))]
    output = F.linear(x, weight, bias)
    z = [part @ w.T for part, w in halves]
    conservative = sum(part * (relevance / (z[0] + z[1] + STABILIZER) @ w) for part, w in halves)
    assert close(CONSERVATIVE.linear(relevance, output, x, weight, bias), conservative)
    baseline = sum(part * (relevance / (z[i] + STABILIZER) @ w) for i, (part, w) in enumerate(halves))
    assert close(BASELINE.linear(relevance, output, x, weight, bias), baseline)


def test_an_output_without_positive_contributions_gets_none() -> None:
    x, weight = randn(4, 9).abs(), torch.cat([-randn(1, 9, seed=1).abs(), randn(1, 9, seed=2).abs()])
    relevance = torch.ones(4, 2, dtype=torch.float64)
    shares = CONSERVATIVE.linear(relevance, x @ weight.T, x, weight, None)
    assert close(shares.sum(-1), torch.ones(4, dtype=torch.float64), 1e-8)


def test_skip_connections_share_by_sums_of_each_sample() -> None:
    u, v, relevance = randn(3, 4, 5), randn(3, 4, 5, seed=1), randn(3, 4, 5, seed=2)
    for_u, for_v = BASELINE.add(relevance, u, v)
    assert close(for_u + for_v, relevance, 1e-6)
    shares_u, shares_v = CONSERVATIVE.add(relevance, u, v)
    for sample in range(3):
        sum_u, sum_v, total = for_u[sample].sum(), for_v[sample].sum(), relevance[sample].sum()
        part = sum_u.abs() / (sum_u.abs() + sum_v.abs())
        assert close(shares_u[sample], for_u[sample] * part * total / sum_u, 1e-6)
        assert close(shares_v[sample], for_v[sample] * (1 - part) * total / sum_v, 1e-6)


def the_call(mask: Tensor | None = None, *, is_causal: bool = False) -> AttentionCall:
    query, key, value = (randn(2, 3, 7, 4, seed=seed) for seed in range(3))
    output = F.scaled_dot_product_attention(query, key, value, mask, is_causal=is_causal)
    return AttentionCall(query, key, value, output, mask, is_causal, 0.5)


CALLS = {
    "no mask": the_call(),
    "padding": the_call(torch.arange(7) < torch.tensor([5, 7])[:, None, None, None]),
    "causal": the_call(is_causal=True),
}


@pytest.mark.parametrize("tile", [1, 1 << 20])
@pytest.mark.parametrize("case", CALLS)
def test_attention_is_two_products(case: str, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for budget in (tiles.TILE_BYTES, tiles.TOGETHER_BYTES):
        monkeypatch.setitem(budget, "cpu", tile)
    call, relevance = CALLS[case], randn(2, 3, 7, 4, seed=9)
    attention = call.attention()
    s = relevance / (call.output + STABILIZER)
    of_map, of_value = attention * (s @ call.value.mT) / 2, call.value * (attention.mT @ s) / 2
    s = of_map / (call.query @ call.key.mT + STABILIZER)
    of_query, of_key = call.query * (s @ call.key) / 2, call.key * (s.mT @ call.query) / 2
    found = attention_relevance(relevance, call, True, True, copies=1)
    assert all(close(*pair) for pair in zip(found, (of_query, of_key, of_value), strict=True))
    assert close(attention_relevance(relevance, call, False, True, copies=1)[1], 2 * of_key)

    row, gradient = torch.rand(1, 2, 7, dtype=torch.float64), randn(1, 2, 3, 7, 4, seed=8)
    positive = (of_map * call.map_gradient(gradient[0])).relu().mean(1)
    assert close(row_times_relevance(call, relevance[None], row, gradient)[0], (row[0, :, None] @ positive)[:, 0])
    assert close(row_times_relevance(call, relevance[None], row)[0], (row[0, :, None] @ of_map.relu().mean(1))[:, 0])
    with_identity = positive + torch.eye(7)
    with_identity = with_identity / with_identity.sum(-1, keepdim=True)
    assert close(row_times_normalized(call, relevance[None], row, gradient)[0], (row[0, :, None] @ with_identity)[:, 0])


def test_pixels_get_what_the_z_b_rule_says() -> None:
    x, weight = randn(2, 3, 6, 4), randn(5, 3, 2, 2, seed=1)
    relevance = randn(2, 5, 3, 2, seed=2)
    found = picture_convolution(relevance, x, weight, stride=2)
    columns = F.unfold(x, 2, stride=2).mT  # (batch, patches, values of a patch)
    rows, flat = relevance.flatten(2).mT, weight.flatten(1)
    low, high = x.flatten(1).amin(1)[:, None, None], x.flatten(1).amax(1)[:, None, None]
    positive, negative = flat.clamp(min=0), flat.clamp(max=0)
    z = columns @ flat.T - low * positive.sum(1) - high * negative.sum(1)
    s = rows / (z + STABILIZER)
    expected = columns * (s @ flat) - low * (s @ positive) - high * (s @ negative)
    assert close(found, F.fold(expected.mT, (6, 4), 2, stride=2))
    assert close(found.sum((1, 2, 3)), relevance.sum((1, 2, 3)), 1e-7)


@pytest.mark.parametrize("targets", [1, 3])
def test_rows_without_relevance_are_left_out(targets: int) -> None:
    mode = propagation(CONSERVATIVE)
    x, weight = randn(2, 9, 5), randn(6, 5, seed=1)
    entering = mode.begin(x)
    with mode:
        output = F.linear(entering, weight)
    relevance = torch.zeros(targets, 2, 9, 6, dtype=torch.float64)
    relevance[:, 1, 4] = randn(targets, 6, seed=2)
    (found,) = mode.flow.relevance_at([entering], output, relevance)
    for target in range(targets):
        assert close(found[target], CONSERVATIVE.linear(relevance[target], x @ weight.T, x, weight, None))
