"""Points, pointing, grid pointing and the two baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from whylight.evaluation.baselines import baseline
from whylight.evaluation.grid_pointing import cells, collage
from whylight.evaluation.pointing import box_label, points_inside, share_inside
from whylight.evaluation.points import PointCounts, count_points


def test_points_are_read_where_they_lie():
    scores = torch.zeros(10, 20)
    scores[2, 15] = 1.0
    x = torch.tensor([15.5 / 20, 15.5 / 20, 0.0, 1.0])
    y = torch.tensor([2.5 / 10, 7.5 / 10, 0.0, 1.0])
    counts = count_points(scores, x, y, torch.tensor([True, True, False, False]))
    assert (counts.found, counts.missed, counts.wrong) == (1, 1, 0)
    assert counts.iou == pytest.approx(0.5)


def test_negative_points_lower_the_iou_and_background_does_not_raise_it():
    lit = torch.ones(4, 4)
    x = torch.tensor([0.1, 0.4, 0.6, 0.9])
    counts = count_points(lit, x, x, torch.tensor([True, False, False, False]))
    assert counts.iou == pytest.approx(0.25)
    assert np.isnan(count_points(torch.zeros(4, 4), x, x, torch.zeros(4, dtype=torch.bool)).iou)
    both = counts + PointCounts(*(np.float64(v) for v in (1, 1, 0)))
    assert both.iou == pytest.approx(2 / 6)


def test_pointing_reads_the_maximum():
    label = torch.zeros(6, 6, dtype=torch.int8)
    label[:3, :3] = 1
    scores = torch.rand(6, 6, generator=torch.Generator().manual_seed(1))
    scores[1, 1] = 2
    assert points_inside(scores, label)
    scores[5, 5] = 3
    assert not points_inside(scores, label)
    assert not points_inside(torch.zeros(6, 6), torch.ones(6, 6))


def test_a_box_covers_the_pixels_whose_centres_it_holds():
    label = box_label((10, 0, 30, 20), picture=(40, 40), size=(4, 4))
    assert label.tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("side", [2, 3])
def test_a_collage_holds_each_picture_in_its_cell(side):
    pictures = [Image.new("RGB", (20, 30), (10 * i, 0, 0)) for i in range(side * side)]
    whole = np.asarray(collage(pictures, side, (32, 40)))
    assert whole.shape == (32, 40, 3)
    for number, (left, top, right, bottom) in enumerate(cells(side, (32, 40))):
        assert (whole[top:bottom, left:right, 0] == 10 * number).all()


def cell_labels(side):
    return [box_label(box, (33, 33), (33, 33)) for box in cells(side, (33, 33))]


def test_shares_of_all_cells_add_up_to_one():
    scores = torch.randn(33, 33, generator=torch.Generator().manual_seed(2))
    labels = cell_labels(3)
    assert sum(share_inside(scores, label) for label in labels) == pytest.approx(1)
    assert share_inside(-scores.abs(), labels[0]) == 0


def test_the_centre_gives_every_cell_of_a_grid_its_share():
    center = baseline("centre", (12, 12), "a")
    labels = [box_label(box, (12, 12), (12, 12)) for box in cells(2, (12, 12))]
    assert [share_inside(center, label) for label in labels] == pytest.approx([0.25] * 4)
    assert center.argmax() in (65, 66, 77, 78)


def test_noise_follows_from_the_names():
    first = baseline("random", (4, 4), "a")
    assert torch.equal(first, baseline("random", (4, 4), "a"))
    assert not torch.equal(first, baseline("random", (4, 4), "b"))
