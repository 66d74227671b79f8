"""Methods made of attention maps and their gradients, against the values of independent implementations."""

from __future__ import annotations

import pytest
from oracle_files import relative_difference
from oracle_models import openai_clip_oracle, timm_oracle
from torch.nn.functional import normalize

from whylight.attention.min_max import min_max
from whylight.methods import relevance


def test_raw_attention() -> None:
    view, oracle = timm_oracle("vit_relevance_propagation", final_norm_eps=1e-5)
    maps = relevance(view, oracle["image"], [0, 2], "raw_attention")
    for target in range(2):
        assert relative_difference(maps[0, target], oracle["expected.raw_attention_last_layer"]) < 1e-8


@pytest.mark.parametrize("start_layer", [0, 1])
def test_rollout(start_layer: int) -> None:
    view, oracle = timm_oracle("vit_attention_methods")
    maps = relevance(view, oracle["image"], [0, 2], "rollout", start_layer=start_layer)
    for target in range(2):
        assert relative_difference(maps[:, target], oracle[f"expected.rollout.start_layer_{start_layer}"]) < 1e-8


def test_chefercam() -> None:
    view, oracle = timm_oracle("vit_attention_methods")
    maps = relevance(view, oracle["image"], [0, 2], "chefercam")
    assert relative_difference(maps[0, 0], oracle["expected.chefercam.class_0"]) < 1e-8
    assert relative_difference(maps[0, 1], oracle["expected.chefercam.class_2"]) < 1e-8


def test_attention_cam() -> None:
    view, oracle = timm_oracle("vit_attention_gradcam")
    maps = min_max(relevance(view, oracle["image"], range(5), "attention_cam"))
    for target in range(5):
        expected = oracle[f"expected.attention_gradcam_minmax.class_{target}"].flatten()
        assert relative_difference(maps[0, target], expected) < 1e-8


@pytest.mark.parametrize("start_layer", [-1, 0, 1])
def test_chefercam_of_clip_pictures(start_layer: int) -> None:
    view, oracle = openai_clip_oracle("clip_chefercam")
    texts = view.module.encode_text(oracle["tokens"])
    logits = view.logit_scale * view.module.encode_image(oracle["image"], normalize=True) @ normalize(texts).T
    assert relative_difference(logits, oracle["expected.logits_per_image"][:1]) < 1e-5
    maps = relevance(view, oracle["image"], texts, "chefercam", start_layer=start_layer)
    assert relative_difference(maps[0].double(), oracle[f"expected.image.start_layer_{start_layer}"]) < 1e-4
