"""SRG and SaCo on examples small enough to work out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from whylight.evaluation.patch_erasing import (
    erasing_order,
    flipping_curves,
    on_patches,
    relevance_gain,
    saliency_coefficient,
    saliency_coefficients,
    without_patches,
)

GRID = (1, 4)
PIXELS = torch.tensor([[[[8.0, 0.0, 4.0, 0.0]]]])
"""One channel, one row, four patches of one pixel; their mean is 3."""


def first_and_third(pixels: Tensor) -> Tensor:
    return pixels[:, 0, 0, 0] + pixels[:, 0, 0, 2]


def test_erased_patches_have_the_mean_of_the_picture() -> None:
    gone = torch.tensor([[True, False, False, True]])
    assert without_patches(PIXELS, gone, GRID).flatten().tolist() == [3.0, 0.0, 4.0, 3.0]
    large = torch.arange(16.0).reshape(1, 1, 4, 4)
    erased = without_patches(large, torch.tensor([[False, True, False, False]]), (2, 2))
    assert erased[0, 0, :2, 2:].flatten().tolist() == [7.5] * 4
    assert torch.equal(erased[0, 0, 2:], large[0, 0, 2:])


def test_srg_by_hand() -> None:
    relevance = torch.tensor([[4.0, 1.0, 3.0, 2.0]])  # most relevant first: patch 0, 2, 3, 1
    least, most = flipping_curves(first_and_third, PIXELS, relevance, GRID, steps=4)
    assert most.tolist() == [[12.0, 7.0, 6.0, 6.0, 6.0]]
    assert least.tolist() == [[12.0, 12.0, 12.0, 11.0, 6.0]]
    # Differences 0, 5, 6, 5, 0: trapezoids of width 1/4 sum to (5 + 6 + 5) / 4.
    assert relevance_gain(least, most).tolist() == [4.0]
    other_way = flipping_curves(first_and_third, PIXELS, -relevance, GRID, steps=4)
    assert relevance_gain(*other_way).tolist() == [-4.0]


def test_equal_patches_go_in_an_order_that_follows_from_no_place() -> None:
    order = erasing_order(torch.zeros(2, 16))
    assert sorted(order[0].tolist()) == list(range(16))
    assert torch.equal(order[0], order[1])
    assert order[0].tolist() not in (list(range(16)), list(range(15, -1, -1)))


def test_saco_by_hand() -> None:
    # Three groups; weights 2, 5, 3; the second group costs less than the third.
    sums, drops = torch.tensor([[6.0, 4.0, 1.0]]), torch.tensor([[0.5, 0.1, 0.3]])
    assert saliency_coefficient(sums, drops).tolist() == pytest.approx([(2 + 5 - 3) / 10])
    assert saliency_coefficient(sums, torch.tensor([[0.1, 0.2, 0.3]])).tolist() == [-1.0]
    assert saliency_coefficient(sums, torch.tensor([[0.3, 0.2, 0.1]])).tolist() == [1.0]
    assert saliency_coefficient(torch.ones(1, 3), drops).tolist() == [0.0]


def test_saco_erases_group_after_group() -> None:
    relevance = torch.tensor([[4.0, 1.0, 3.0, 2.0], [1.0, 4.0, 2.0, 3.0]])
    pixels = PIXELS.repeat(2, 1, 1, 1)
    # Without patches 0 and 2 the sum falls from 12 to 6, without 3 and 1 it stays.
    assert saliency_coefficients(first_and_third, pixels, relevance, GRID, groups=2).tolist() == [1.0, -1.0]


def test_maps_of_pixels_are_averaged_over_patches() -> None:
    maps = torch.arange(16.0).reshape(1, 4, 4)
    assert on_patches(maps, (2, 2)).tolist() == [[2.5, 4.5, 10.5, 12.5]]
    assert torch.equal(on_patches(maps, (4, 4)), maps.flatten(1))
