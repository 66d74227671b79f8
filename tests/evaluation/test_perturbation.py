"""Perturbation against the reference evaluation code's own hits."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from oracle_files import read_oracle

from whylight.evaluation.perturbation import STEPS, Curve, black_of, erase, hits_when_erased, pixel_ranks
from whylight.evaluation.pixel_maps import enlarge
from whylight.models.preprocessing import Preprocessing

oracle = read_oracle("evaluation_protocols")
expected = oracle.meta["expected"]
half = Preprocessing(size=(224, 224), mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture(scope="module")
def predict():
    model = timm.models.VisionTransformer(**oracle.meta["timm"]).eval()
    prefix = "perturbation.state."
    model.load_state_dict({name.removeprefix(prefix): oracle[name] for name in oracle.names(prefix)})
    return lambda pixels: model(pixels).argmax(-1)


@pytest.fixture(scope="module")
def pixels():
    pictures = oracle["perturbation.images_7x7"].float()
    return (pictures.repeat_interleave(32, -1).repeat_interleave(32, -2) - 0.5) / 0.5


@pytest.mark.parametrize("direction", ["positive", "negative"])
def test_every_hit_is_the_references(predict, pixels, direction):
    truth = oracle["perturbation.target"]
    maps = enlarge(oracle["perturbation.maps"], (224, 224))
    black = black_of(half, pixels)
    hits = hits_when_erased(predict, pixels, maps, truth, black, most_relevant_first=direction == "positive")
    assert torch.equal(hits, oracle[f"expected.perturbation.{direction}.hits"].bool())
    with torch.no_grad():
        clean = predict(pixels) == truth
    curve = Curve(torch.cat([clean[None], hits]).sum(1).double().numpy(), np.float64(len(truth)))
    assert curve.accuracy.tolist() == expected[f"perturbation_{direction}_accuracy_0_to_90"]
    assert curve.auc == pytest.approx(expected[f"perturbation_{direction}_auc_percent"], abs=1e-6)


def test_ties_are_erased_in_reading_order():
    ranks = pixel_ranks(torch.tensor([[[1.0, 2.0, 2.0], [1.0, 0.0, 2.0]]]), most_relevant_first=True)
    assert ranks.tolist() == [[[3, 0, 1], [4, 5, 2]]]
    ranks = pixel_ranks(torch.tensor([[[1.0, 2.0, 2.0], [1.0, 0.0, 2.0]]]), most_relevant_first=False)
    assert ranks.tolist() == [[[1, 3, 4], [2, 0, 5]]]


def test_erasing_makes_that_share_black_and_leaves_the_clean_picture_alone():
    pixels = torch.rand(2, 3, 10, 10) + 1
    clean = pixels.clone()
    black = black_of(half, pixels)
    ranks = pixel_ranks(torch.rand(2, 10, 10), most_relevant_first=True)
    for share in STEPS:
        erased = erase(pixels, ranks, share, black)
        assert ((erased == -1).all(1).flatten(1).sum(1) == round(100 * share)).all()
    assert torch.equal(pixels, clean)


def test_area_of_a_constant_curve():
    assert Curve(np.full(10, 3.0), np.float64(4)).auc == pytest.approx(0.9 * 75)
