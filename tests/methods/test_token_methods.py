"""GradCAM, TokenTM and Beyond Intuition against the values of independent implementations."""

from __future__ import annotations

import pytest
import torch
from oracle_files import relative_difference
from oracle_models import timm_oracle

from whylight.methods import relevance
from whylight.methods.beyond_intuition import Variant
from whylight.methods.gradcam import Place

CLASSES = [0, 3]


@pytest.mark.parametrize(
    ("layer", "at", "name"),
    [
        (-1, "norm1", "last_block_norm1"),
        (-1, "input", "second_last_block_output"),
        (-2, "output", "second_last_block_output"),
    ],
)
def test_gradcam(layer: int, at: Place, name: str) -> None:
    view, oracle = timm_oracle("gradcam")
    maps = relevance(view, oracle["image"], CLASSES, "gradcam", layer=layer, at=at)
    positive = relevance(view, oracle["image"], CLASSES, "gradcam", layer=layer, at=at, relu=True)
    for index, target in enumerate(CLASSES):
        expected = oracle[f"expected.{name}.weighted_sum.class_{target}"].flatten(1)
        assert relative_difference(maps[:, index], expected) < 1e-8
        assert relative_difference(positive[:, index], expected.relu()) < 1e-8


def test_gradcam_reads_norm1_by_default() -> None:
    view, oracle = timm_oracle("gradcam")
    explicit = relevance(view, oracle["image"], CLASSES, "gradcam", layer=-1, at="norm1")
    assert torch.equal(relevance(view, oracle["image"], CLASSES, "gradcam"), explicit)


def test_token_tm() -> None:
    view, oracle = timm_oracle("token_tm")
    maps = relevance(view, oracle["image"], CLASSES, "token_tm")
    for index, target in enumerate(CLASSES):
        assert relative_difference(maps[0, index], oracle[f"expected.map.class_{target}"]) < 1e-8


@pytest.mark.parametrize("start_layer", [0, 1, 2])
@pytest.mark.parametrize("variant", ["head", "token"])
def test_beyond_intuition(variant: Variant, start_layer: int) -> None:
    view, oracle = timm_oracle("beyond_intuition")
    options = {"variant": variant, "start_layer": start_layer, "steps": oracle.meta["steps"]}
    maps = relevance(view, oracle["image"], CLASSES, "beyond_intuition", **options)
    for index, target in enumerate(CLASSES):
        expected = oracle[f"expected.{variant}wise.start_layer_{start_layer}.class_{target}"]
        assert relative_difference(maps[0, index], expected) < 1e-8
