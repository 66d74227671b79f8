"""Shapley values against their definition, written out over orders."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
import torch
from torch import Tensor

from whylight.pictures.shapley import MOST_EXACT, ORDERS, Players, shapley_values, weights_of_sets


def letters(players: Players) -> str:
    return "".join(chr(ord("a") + number) for number, here in enumerate(players) if here)


def by_orders(count: int, value: dict[str, Tensor]) -> Tensor:
    """Mean over all orders of what each player adds when it comes."""
    total = torch.zeros(count, 2, dtype=torch.float64)
    orders = list(permutations(range(count)))
    for order in orders:
        for place, player in enumerate(order):
            before, after = (tuple(p in order[:stop] for p in range(count)) for stop in (place, place + 1))
            total[player] += value[letters(after)] - value[letters(before)]
    return total / len(orders)


def test_two_players_by_hand() -> None:
    table = {"": 1.0, "a": 3.0, "b": 4.0, "ab": 10.0}
    shares = shapley_values(2, letters, lambda texts: torch.tensor([[table[text]] for text in texts]))
    assert shares.of_player[:, 0].tolist() == [4.0, 5.0]  # a: (2 + 6) / 2;  b: (3 + 7) / 2
    assert shares.of_none.tolist() == [1.0]
    assert shares.error is None


def test_exact_values_are_the_mean_over_all_orders() -> None:
    torch.manual_seed(0)
    sets, _ = weights_of_sets(5)
    value = {letters(some): torch.randn(2, dtype=torch.float64) for some in sets}
    shares = shapley_values(5, letters, lambda texts: torch.stack([value[text] for text in texts]))
    torch.testing.assert_close(shares.of_player, by_orders(5, value), rtol=0, atol=1e-12)


def test_sets_of_one_text_are_asked_for_once() -> None:
    asked: list[str] = []

    def value(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return torch.tensor([[float(len(text))] for text in texts])

    shares = shapley_values(10, lambda players: "x" * sum(players), value)
    assert sorted(asked) == sorted("x" * count for count in range(11))
    torch.testing.assert_close(shares.of_player, torch.ones(10, 1, dtype=torch.float64))


def test_orders_are_drawn_for_more_players_with_seed_and_standard_error() -> None:
    torch.manual_seed(1)
    count = MOST_EXACT + 1
    single, pair = torch.randn(count, dtype=torch.float64), torch.randn(count, count, dtype=torch.float64).triu(1)

    def value(texts: Sequence[str]) -> Tensor:
        there = torch.tensor([[chr(ord("a") + p) in text for p in range(count)] for text in texts]).double()
        return (there @ single + ((there @ pair) * there).sum(1))[:, None]

    exact = single + (pair.sum(0) + pair.sum(1)) / 2  # a pair's share is half of it
    shares = shapley_values(count, letters, value, seed=3)
    assert shares.error is not None
    off = (shares.of_player[:, 0] - exact).abs()
    assert bool((off <= 4 * shares.error[:, 0]).all())
    assert bool((shares.error[:, 0] > 0).all())
    assert float(shares.error.max()) < 3 * float(pair.abs().sum()) / ORDERS**0.5
    whole = value(["".join(chr(ord("a") + p) for p in range(count))])[0, 0]
    torch.testing.assert_close(shares.of_player.sum() + shares.of_none[0], whole, rtol=0, atol=1e-10)
    again, other = (shapley_values(count, letters, value, seed=seed).of_player for seed in (3, 4))
    assert torch.equal(again, shares.of_player)
    assert not torch.equal(other, shares.of_player)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_weights_of_every_player_sum_to_nothing(count: int) -> None:
    sets, weights = weights_of_sets(count)
    assert not any(sets[0])
    assert all(sets[-1])
    torch.testing.assert_close(weights.sum(0), torch.zeros(count, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(weights.clamp(min=0).sum(0), torch.ones(count, dtype=torch.float64))
