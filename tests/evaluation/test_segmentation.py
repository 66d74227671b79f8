"""Segmentation against the reference evaluation code's own numbers, and against torchmetrics."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
import pytest
import torch
from oracle_files import read_oracle
from sklearn.metrics import average_precision_score
from torchmetrics import JaccardIndex

from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.evaluation.segmentation import (
    average_precisions,
    binarise,
    count_pixels,
    foreground_average_precision,
)

oracle = read_oracle("evaluation_protocols")
expected = oracle.meta["expected"]
labels = oracle["segmentation.labels"]


@pytest.fixture(scope="module")
def maps():
    return min_max_maps(enlarge(oracle["segmentation.maps"], (224, 224)))


def test_pixel_accuracy_and_iou_are_the_references(maps):
    total = reduce(add, (count_pixels(f, label) for f, label in zip(binarise(maps, "mean"), labels, strict=True)))
    assert total.pixel_accuracy == pytest.approx(expected["pixel_accuracy"], abs=1e-9)
    assert total.mean_iou == pytest.approx(expected["mean_iou"], abs=1e-9)
    assert [total.background, total.foreground] == expected["intersection"]
    missed_and_wrong = total.missed + total.wrong
    assert [total.background + missed_and_wrong, total.foreground + missed_and_wrong] == expected["union"]


def test_average_precision_is_the_references(maps):
    values = [average_precisions(m, label).two_class for m, label in zip(maps, labels, strict=True)]
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
    precisions = average_precisions(perfect, label)
    assert precisions.two_class == precisions.foreground == pytest.approx(1)


def test_two_class_precision_flatters_the_foreground():
    generator = torch.Generator().manual_seed(0)
    label = torch.zeros(32, 32, dtype=torch.int8)
    label[:4] = 1
    noise = torch.rand(32, 32, generator=generator)
    precisions = average_precisions(noise, label)
    assert precisions.two_class > precisions.foreground + 0.2


@pytest.mark.parametrize("levels", [0, 1, 5])
def test_average_precision_is_scikit_learns_with_and_without_equal_scores(levels: int):
    generator = torch.Generator().manual_seed(1)
    label = torch.randint(-1, 2, (24, 20), generator=generator, dtype=torch.int8)
    scores = torch.rand(24, 20, generator=generator)
    scores = (scores * levels).round() / levels if levels else scores
    kept = label != -1
    truth, values = (label[kept] == 1).numpy(), scores[kept].double().numpy()
    precisions = average_precisions(scores, label)
    two_class = average_precision_score(np.concatenate([~truth, truth]), np.concatenate([1 - values, values]))
    assert precisions.two_class == pytest.approx(two_class, abs=1e-12)
    assert precisions.foreground == pytest.approx(average_precision_score(truth, values), abs=1e-12)
    assert foreground_average_precision(7 * scores - 3, label) == pytest.approx(precisions.foreground, abs=1e-12)


def test_a_map_without_any_foreground_in_its_label_has_no_precision():
    assert foreground_average_precision(torch.rand(4, 4), torch.zeros(4, 4, dtype=torch.int8)) == 0


def test_a_constant_map_is_all_background_and_no_nan():
    flat = min_max_maps(torch.full((1, 4, 4), 3.0))
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
