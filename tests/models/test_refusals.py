"""What cannot be explained is refused in one clear line, and never as an empty map."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import timm
import torch
from torch import nn
from zoo import Built
from zoo.openclip_models import clip, through_timm
from zoo.perturb import pictures
from zoo.timm_models import named, vit

import whylight
from whylight.errors import BadInput, UnsupportedModel

BUILDS = pytest.mark.parametrize(
    "build",
    [clip(), vit(), through_timm("tiny_siglip", "map", "none")],
    ids=["openclip", "timm", "openclip over timm"],
)


def targets_of(model: nn.Module) -> object:
    view = whylight.wrap(model)
    return 1 if view.classifies else torch.ones(1, 16)


@BUILDS
def test_a_model_in_training_mode(build: Callable[[], Built]) -> None:
    model, pixels = build()
    targets = targets_of(model)
    model.train()
    with pytest.raises(UnsupportedModel, match=r"training mode: call model\.eval"):
        whylight.relevance(whylight.wrap(model), pixels, targets)
    assert model.training


@BUILDS
def test_a_model_made_under_inference_mode(build: Callable[[], Built]) -> None:
    with torch.inference_mode():
        model, pixels = build()
    targets = targets_of(model)
    with pytest.raises(UnsupportedModel, match=r"created under torch\.inference_mode"):
        whylight.relevance(whylight.wrap(model), pixels.clone(), targets)


@pytest.mark.parametrize("road", [None, "general"])
def test_attention_written_out_by_hand(road: str | None) -> None:
    model, pixels = vit()()
    for block in model.blocks:
        block.attn.fused_attn = False
    with pytest.raises(UnsupportedModel, match=r"layer 0 hides its attention.*fused_attn = True"):
        whylight.relevance(whylight.wrap(model), pixels, 1, road=road)


def test_a_pooler_written_out_by_hand() -> None:
    model, pixels = vit(global_pool="map", class_token=False)()
    model.attn_pool.fused_attn = False
    with pytest.raises(UnsupportedModel, match="hides its attention"):
        whylight.relevance(whylight.wrap(model), pixels, 1)


def test_timm_models_built_without_fused_attention() -> None:
    """What TIMM_FUSED_ATTN=0 in the environment does."""
    timm.layers.set_fused_attn(False)
    try:
        model, pixels = named("vit_tiny_patch16_224")()
    finally:
        timm.layers.set_fused_attn(True)
    with pytest.raises(UnsupportedModel, match="TIMM_FUSED_ATTN"):
        whylight.relevance(whylight.wrap(model), pixels, 1)


def test_two_attention_calls_in_one_block() -> None:
    model, pixels = vit(block_fn=timm.models.vision_transformer.ParallelThingsBlock)()
    with pytest.raises(UnsupportedModel, match="2 attention calls"):
        whylight.relevance(whylight.wrap(model), pixels, 1)


@BUILDS
def test_text_for_a_picture_model(build: Callable[[], Built]) -> None:
    view = whylight.wrap(build()[0])
    with pytest.raises(BadInput, match="takes pixels"):
        view.begin({"input_ids": torch.ones(1, 4, dtype=torch.long)})


CLASSES = [
    (5, "5 classes"),
    (-1, "5 classes"),
    ([], "no target"),
    ([[1], [2], [3]], "one list per picture"),
    ([[1, 2], [3]], "every picture the same number"),
    ("a ring", "whylight.explain takes prompts"),
    ([["a ring"], ["a star"]], "whylight.explain takes prompts"),
    (torch.ones(1, 5), "is a classifier"),
]
EMBEDDINGS = [
    (1, "gives embeddings"),
    (torch.ones(2, 15), "15 dimensions, the model's have 16"),
    (torch.ones(3, 2, 16), r"\(targets, dim\)"),
    (torch.ones(0, 16), "no target"),
    (torch.tensor(1.0), r"\(targets, dim\)"),
]


@pytest.mark.parametrize("road", [None, "general"])
@pytest.mark.parametrize(("targets", "message"), CLASSES)
def test_targets_that_are_no_classes_of_the_model(targets: object, message: str, road: str | None) -> None:
    model, pixels = vit()()
    with pytest.raises(BadInput, match=message):
        whylight.relevance(whylight.wrap(model), pixels, targets, road=road)


@pytest.mark.parametrize("road", [None, "general"])
@pytest.mark.parametrize(("targets", "message"), EMBEDDINGS)
def test_targets_that_are_no_embeddings_of_the_model(targets: object, message: str, road: str | None) -> None:
    model, pixels = clip()()
    with pytest.raises(BadInput, match=message):
        whylight.relevance(whylight.wrap(model), pixels, targets, road=road)


def test_targets_in_every_accepted_form() -> None:
    view = whylight.wrap(vit()()[0])
    both = whylight.relevance(view, pictures(), [1, 3])
    for targets in ([[1, 3], [1, 3]], torch.tensor([1, 3]), torch.tensor([[1, 3]]), (1, 3)):
        torch.testing.assert_close(whylight.relevance(view, pictures(), targets), both)
    torch.testing.assert_close(whylight.relevance(view, pictures(), [[1], [3]])[1], both[1, 1:])
    torch.testing.assert_close(whylight.relevance(view, pictures(), 1), both[:, :1])
