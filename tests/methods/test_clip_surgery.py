"""CLIP Surgery against the reference's values."""

from __future__ import annotations

import pytest
import timm
import torch
from oracle_files import relative_difference
from zoo.openclip_oracles import grad_eclip_oracle, surgery_oracle

from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import relevance
from whylight.methods.clip_surgery import dense_features
from whylight.models.timm.view import TimmView


def test_token_features_agree_with_the_reference() -> None:
    view, oracle = surgery_oracle()
    with torch.no_grad():
        features = dense_features(view, view.begin(oracle["image"]), -6)
    assert relative_difference(features, oracle["expected.dense_features"]) < 1e-10


def test_maps_agree_with_the_reference() -> None:
    view, oracle = surgery_oracle()
    maps = relevance(view, oracle["image"], oracle["text_features"], method="clip_surgery")
    expected = oracle["expected.similarity"].flatten(1, 2).transpose(1, 2)
    assert relative_difference(maps, expected) < 1e-10


def test_one_prompt_agrees_with_the_reference() -> None:
    view, oracle = surgery_oracle()
    maps = relevance(
        view,
        oracle["image"],
        oracle["text_features"][:1],
        method="clip_surgery",
        empty_prompt=oracle["redundant_features"],
    )
    expected = oracle["expected.single_prompt_similarity"].flatten(1, 2).transpose(1, 2)
    assert relative_difference(maps, expected) < 1e-10


def test_the_empty_prompt_is_asked_of_the_text_tower(monkeypatch: pytest.MonkeyPatch) -> None:
    view, oracle = surgery_oracle()
    asked = []
    monkeypatch.setattr(view, "encode_text", lambda prompts: asked.append(prompts) or oracle["redundant_features"])
    maps = relevance(view, oracle["image"], oracle["text_features"][:1], method="clip_surgery")
    assert asked == [[""]]
    expected = oracle["expected.single_prompt_similarity"].flatten(1, 2).transpose(1, 2)
    assert relative_difference(maps, expected) < 1e-10


def test_every_picture_has_its_own_prompt_weights_and_may_have_its_own_prompts() -> None:
    view, oracle = surgery_oracle()
    pixels, prompts = oracle["image"], oracle["text_features"]
    both = relevance(view, pixels, torch.stack([prompts[:3], prompts[2:]]), method="clip_surgery")
    first = relevance(view, pixels[:1], prompts[:3], method="clip_surgery")
    second = relevance(view, pixels[1:], prompts[2:], method="clip_surgery")
    assert relative_difference(both, torch.cat([first, second])) < 1e-12


def test_maps_depend_on_the_company_of_a_prompt() -> None:
    """What all prompts have in common is taken out, so this method has no map of one prompt among several."""
    view, oracle = surgery_oracle()
    three = relevance(view, oracle["image"], oracle["text_features"][:3], method="clip_surgery")
    five = relevance(view, oracle["image"], oracle["text_features"], method="clip_surgery")
    assert relative_difference(five[:, :3], three) > 0.1


def test_models_with_fewer_layers_take_the_new_path_everywhere() -> None:
    view, oracle = grad_eclip_oracle()
    prompts = oracle["expected.text_embedding"]
    maps = relevance(view, oracle["image"], prompts, method="clip_surgery")
    assert torch.equal(maps, relevance(view, oracle["image"], prompts, method="clip_surgery", start_layer=0))
    with pytest.raises(BadInput, match="outside a model of 2 layers"):
        relevance(view, oracle["image"], prompts, method="clip_surgery", start_layer=2)


def test_pictures_need_not_be_square() -> None:
    view, oracle = surgery_oracle()
    pixels = torch.randn(1, 3, 24, 40, dtype=torch.float64)
    assert relevance(view, pixels, oracle["text_features"], method="clip_surgery").shape == (1, 5, 15)


def test_classifiers_and_other_pooling_are_refused() -> None:
    pixels = torch.randn(1, 3, 32, 32)
    small = {"img_size": 32, "patch_size": 8, "depth": 1, "embed_dim": 24, "num_heads": 3}
    classifier = TimmView(timm.create_model("vit_tiny_patch16_224", num_classes=4, **small).eval())
    with pytest.raises(UnsupportedModel, match="is a classifier"):
        relevance(classifier, pixels, [0], method="clip_surgery")
    pooled = TimmView(timm.create_model("vit_base_patch16_siglip_224", num_classes=0, **small).eval())
    with pytest.raises(UnsupportedModel, match="pools by attention"):
        relevance(pooled, pixels, torch.ones(1, 24), method="clip_surgery")
