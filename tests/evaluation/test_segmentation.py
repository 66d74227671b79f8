"""Segmentation against the reference evaluation code's own numbers, and against torchmetrics."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
import torch
from oracle_files import read_oracle
from torchmetrics import JaccardIndex

from whylight.evaluation.maps import enlarge, min_max
from whylight.evaluation.segmentation import (
    average_precision,
    binarise,
    count_pixels,
    foreground_average_precision,
)

oracle = read_oracle("evaluation_protocols")
expected = oracle.meta["expected"]
labels = oracle["segmentation.labels"]


@pytest.fixture(scope="module")
def maps():
    return min_max(enlarge(oracle["segmentation.maps"], (224, 224)))


def test_pixel_accuracy_and_iou_are_the_references(maps):
    total = reduce(add, (count_pixels(f, label) for f, label in zip(binarise(maps, "mean"), labels, strict=True)))
    assert total.pixel_accuracy == pytest.approx(expected["pixel_accuracy"], abs=1e-9)
    assert total.mean_iou == pytest.approx(expected["mean_iou"], abs=1e-9)
    assert [total.background, total.foreground] == expected["intersection"]
    missed_and_wrong = total.missed + total.wrong
    assert [total.background + missed_and_wrong, total.foreground + missed_and_wrong] == expected["union"]


def test_average_precision_is_the_references(maps):
    values = [average_precision(m, label) for m, label in zip(maps, labels, strict=True)]
    assert values == pytest.approx(expected["per_image_ap"], abs=1e-6)
    assert np.mean(values) == pytest.approx(expected["mean_ap"], abs=1e-6)


def test_mean_iou_is_torchmetrics_jaccard_index(maps):
    foreground = binarise(maps, "0.5")
    metric = JaccardIndex(task="binary", ignore_index=-1)
    per_class = JaccardIndex(task="multiclass", num_classes=2, ignore_index=-1, average="macro")
    total = reduce(add, (count_pixels(f, label) for f, label in zip(foreground, labels, strict=True)))
    assert float(metric(foreground.int(), labels.int())) == pytest.approx(float(total.foreground_iou), abs=1e-6)
    assert float(per_class(foreground.int(), labels.int())) == pytest.approx(float(total.mean_iou), abs=1e-6)


def test_a_perfect_map_scores_one_and_ignored_pixels_do_not_count():
    label = torch.zeros(8, 8, dtype=torch.int8)
    label[2:5, 3:6] = 1
    label[0] = -1
    perfect = (label == 1).float()
    perfect[0] = 1
    counts = count_pixels(binarise(perfect, "0.5"), label)
    assert counts.pixel_accuracy == counts.mean_iou == 1
    assert average_precision(perfect, label) == pytest.approx(1)
    assert foreground_average_precision(perfect, label) == pytest.approx(1)


def test_two_class_precision_flatters_the_foreground():
    generator = torch.Generator().manual_seed(0)
    label = torch.zeros(32, 32, dtype=torch.int8)
    label[:4] = 1
    noise = torch.rand(32, 32, generator=generator)
    assert average_precision(noise, label) > foreground_average_precision(noise, label) + 0.2


def test_a_constant_map_is_all_background_and_no_nan():
    flat = min_max(torch.full((1, 4, 4), 3.0))
    label = torch.ones(4, 4, dtype=torch.int8)
    counts = count_pixels(binarise(flat, "mean")[0], label)
    assert (counts.foreground, counts.missed) == (0, 16)
    assert counts.mean_iou == 0


def test_counts_work_on_arrays_as_on_numbers(maps):
    each = [count_pixels(f, label) for f, label in zip(binarise(maps, "mean"), labels, strict=True)]
    stacked = type(each[0])(
        *(np.array([getattr(c, n) for c in each]) for n in ("background", "foreground", "missed", "wrong"))
    )
    assert stacked.mean_iou == pytest.approx([float(c.mean_iou) for c in each])
