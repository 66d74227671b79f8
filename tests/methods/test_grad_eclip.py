"""Grad-ECLIP against the reference's values, pictures and texts, and against autograd through maps written out."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from oracle_files import relative_difference
from zoo.openclip_oracles import grad_eclip_oracle

from whylight.errors import UnsupportedModel
from whylight.methods import relevance
from whylight.models.timm.view import TimmView

HEADS = [("multi_head", {}), ("single_head", {"single_head": True})]
LIKENESS = [("raw_qk", {}), ("projected_qk", {"projected": True}), ("no_similarity", {"similarity": False})]


@pytest.mark.parametrize(("heads", "one"), HEADS)
@pytest.mark.parametrize(("likeness", "options"), LIKENESS)
def test_picture_maps_agree_with_the_reference(
    heads: str, one: dict[str, Any], likeness: str, options: dict[str, Any]
) -> None:
    view, oracle = grad_eclip_oracle()
    maps = relevance(view, oracle["image"], oracle["expected.text_embedding"], method="grad_eclip", **one, **options)
    for prompt in range(2):
        expected = oracle[f"expected.image.{heads}.{likeness}.prompt_{prompt}"]
        assert relative_difference(maps[0, prompt], expected.flatten()) < 1e-10


@pytest.mark.parametrize(("heads", "one"), HEADS)
@pytest.mark.parametrize(("likeness", "options"), LIKENESS[:2])
@pytest.mark.parametrize("layers", [1, 2])
def test_text_maps_agree_with_the_reference(
    heads: str, one: dict[str, Any], likeness: str, options: dict[str, Any], layers: int
) -> None:
    """The reference leaves start and end of the text out and divides by the sum."""
    view, oracle = grad_eclip_oracle()
    ids = oracle["tokens"]
    maps = relevance(
        view.text,
        {"input_ids": ids},
        oracle["expected.image_embedding"],
        method="grad_eclip",
        start_layer=-layers,
        **one,
        **options,
    )
    for prompt, end in enumerate(ids.argmax(-1).tolist()):
        words = maps[prompt, 0, 1:end]
        expected = oracle[f"expected.text.{heads}.{likeness}.last_{layers}_layers.prompt_{prompt}"]
        assert relative_difference(words / words.sum(), expected) < 1e-10


def test_several_layers_add_up_after_the_relu() -> None:
    view, oracle = grad_eclip_oracle()
    prompts = oracle["expected.text_embedding"]
    both = relevance(view, oracle["image"], prompts, method="grad_eclip", start_layer=0)
    last = relevance(view, oracle["image"], prompts, method="grad_eclip")
    assert (both - last).min() > -1e-12
    assert relative_difference(both, last) > 0.1


def test_constant_keys_give_zeros_not_nan() -> None:
    """All cosines alike leave nothing to weight by."""
    view, oracle = grad_eclip_oracle()
    pixels = torch.zeros_like(oracle["image"])
    with torch.no_grad():
        view.visual.positional_embedding[1:] = 0
    maps = relevance(view, pixels, oracle["expected.text_embedding"], method="grad_eclip")
    assert maps.isfinite().all()


def test_classifiers_are_explained_by_their_logits() -> None:
    small = {"img_size": 32, "patch_size": 8, "depth": 2, "embed_dim": 24, "num_heads": 3, "num_classes": 4}
    view = TimmView(timm.create_model("vit_tiny_patch16_224", **small).double().eval())
    pixels = torch.randn(2, 3, 32, 48, dtype=torch.float64)
    maps = relevance(view, pixels, [1, 3], method="grad_eclip", single_head=True, projected=True)
    assert maps.shape == (2, 2, 24)
    pooled = TimmView(timm.create_model("vit_tiny_patch16_224", **small, global_pool="avg").double().eval())
    with pytest.raises(UnsupportedModel, match="pools by mean: grad_eclip"):
        relevance(pooled, pixels, [1], method="grad_eclip")
