"""Shapley values: what each player of a game adds, on average over all orders in which the players may come.

    phi_j = sum over sets S without j of  |S|! (d - |S| - 1)! / d!  (v(S + j) - v(S))

Exactly from all 2^d sets, or as the mean over orders that were drawn. Either way they sum to v(all) - v(none).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
import torch
from torch import Tensor

MOST_EXACT = 12
"""Up to so many players all sets are asked for."""
ORDERS = 128
"""How many orders are drawn for more players."""
_AT_ONCE = 64
"""Texts whose values are held at once."""

Players = tuple[bool, ...]
"""Who is in a set."""
Name = Callable[[Players], str]
"""A set as a text. Sets of one text have one value, which is asked for once."""
Value = Callable[[Sequence[str]], Tensor]
"""Texts to their values, (texts, k)."""


@dataclass(frozen=True)
class Shares:
    """What a game is made of.

    Attributes:
        of_player: Shapley values, (players, k) float64.
        of_none: the value without any player, (k,).
        error: standard error of the Shapley values, (players, k); None where they are exact.
    """

    of_player: Tensor
    of_none: Tensor
    error: Tensor | None = None


def shapley_values(players: int, name: Name, value: Value, seed: int = 0) -> Shares:
    """Shapley values of a game whose values are vectors; memory does not grow with the number of sets.

    Args:
        players: how many; up to ``MOST_EXACT`` of them exactly, of more by ``ORDERS`` orders.
        seed: of the orders.
    """
    return _exact(players, name, value) if players <= MOST_EXACT else _drawn(players, name, value, seed)


def values_asked(players: int) -> int:
    """How many values a game takes, at most."""
    return 2**players if players <= MOST_EXACT else 2 + ORDERS * (players - 1)


def weights_of_sets(players: int) -> tuple[list[Players], Tensor]:
    """All sets, the empty one first, and what the value of each counts in every player's Shapley value, (sets, players)
    float64."""
    members = (torch.arange(2**players)[:, None] >> torch.arange(players)) & 1
    size = members.sum(1, keepdim=True)
    of_size = [factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)]
    table = torch.tensor([*of_size, 0.0], dtype=torch.float64)
    weights = torch.where(members.bool(), table[(size - 1).clamp(min=0)], -table[size])
    return [tuple(row) for row in members.bool().tolist()], weights


def _exact(players: int, name: Name, value: Value) -> Shares:
    sets, weights = weights_of_sets(players)
    names = [name(some) for some in sets]
    place = {text: number for number, text in enumerate(dict.fromkeys(names))}
    merged = weights.new_zeros(len(place), players)
    merged.index_add_(0, torch.tensor([place[text] for text in names]), weights)
    texts = list(place)
    total, none = torch.zeros(()), torch.zeros(())
    for first in range(0, len(texts), _AT_ONCE):
        values = value(texts[first : first + _AT_ONCE]).double()
        none = values[0] if first == 0 else none
        total = total + merged[first : first + _AT_ONCE].T @ values
    return Shares(total, none)


def _drawn(players: int, name: Name, value: Value, seed: int) -> Shares:
    random = np.random.default_rng(seed)
    orders = [random.permutation(players).tolist() for _ in range(ORDERS)]
    ends = value([name((False,) * players), name((True,) * players)]).double()
    together = max(1, _AT_ONCE // (players - 1))
    total, squares = torch.zeros(()), torch.zeros(())
    for first in range(0, ORDERS, together):
        for added in _added(orders[first : first + together], name, value, ends):
            total, squares = total + added, squares + added.square()
    mean = total / ORDERS
    variance = (squares / ORDERS - mean.square()).clamp(min=0) / (ORDERS - 1)
    return Shares(mean, ends[0], variance.sqrt())


def _added(orders: list[list[int]], name: Name, value: Value, ends: Tensor) -> list[Tensor]:
    """What each player adds when it comes, (players, k), once for each order."""
    on_the_way = [[_first(order, count, name) for count in range(1, len(order))] for order in orders]
    texts = list(dict.fromkeys(text for way in on_the_way for text in way))
    known = dict(zip(texts, value(texts).double(), strict=True))
    added = []
    for order, way in zip(orders, on_the_way, strict=True):
        steps = torch.stack([ends[0], *(known[text] for text in way), ends[1]]).diff(dim=0)
        added.append(torch.empty_like(steps).index_copy_(0, torch.tensor(order), steps))
    return added


def _first(order: list[int], count: int, name: Name) -> str:
    there = set(order[:count])
    return name(tuple(player in there for player in range(len(order))))
