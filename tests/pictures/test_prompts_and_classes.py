"""Prompts, classes, embeddings and predictions, and what is said of those that cannot be."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

import whylight
from whylight.errors import BadInput, UnknownName, UnsupportedModel, WhylightWarning
from whylight.models.view import View
from whylight.scenes import draw_scene

PICTURE = draw_scene(10**9 + 3, 48).picture


def own_pixels(view: View) -> torch.Tensor:
    assert view.preprocessing is not None
    return view.preprocessing(Image.fromarray(PICTURE))[0][None]


def test_prompts_get_the_models_own_cosines_and_logits(clip: View) -> None:
    prompts = ["a red star", "a blue ring"]
    result = whylight.explain(clip, PICTURE, prompts)
    with torch.no_grad():
        image = clip.module.encode_image(own_pixels(clip), normalize=True)
        text = clip.module.encode_text(clip.tokenizer(prompts), normalize=True)  # type: ignore[attr-defined]
        expected = (image @ text.T)[0]
    assert result.targets == tuple(prompts)
    assert result.score_name == "cosine"
    torch.testing.assert_close(torch.tensor(result.scores), expected)
    torch.testing.assert_close(torch.tensor(result.logits), expected * clip.module.logit_scale.exp())


def test_classes_get_the_models_own_logits_and_probabilities(classes: View) -> None:
    result = whylight.explain(classes, PICTURE, [3, 1])
    with torch.no_grad():
        logits = classes.module(own_pixels(classes))[0]
    assert result.score_name == "probability"
    torch.testing.assert_close(torch.tensor(result.logits), logits[[3, 1]])
    torch.testing.assert_close(torch.tensor(result.scores), logits.softmax(-1)[[3, 1]])
    assert result.targets == ("red_star", "tiger cat")


def test_relevance_is_that_of_the_method_on_the_grid(clip: View) -> None:
    prompts = ["a red star", "a blue ring"]
    result = whylight.explain(clip, PICTURE, prompts, "legrad", start_layer=1)
    raw = whylight.relevance(clip, own_pixels(clip), clip.encode_text(prompts), "legrad", start_layer=1)
    torch.testing.assert_close(result.relevance.flatten(1), raw[0], atol=0, rtol=0)
    assert result.grid == (4, 4)
    assert result.options == {"start_layer": 1}


def test_nothing_named_is_the_prediction(classes: View) -> None:
    with torch.no_grad():
        top = int(classes.module(own_pixels(classes)).argmax())
    assert whylight.explain(classes, PICTURE).targets == whylight.explain(classes, PICTURE, top).targets


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("tench", 0), ("Tinca tinca", 0), ("tench, Tinca tinca", 0), ("TIGER  cat", 1), ("red star", 3), ("4", 4), (4, 4)],
)
def test_classes_go_by_name_synonym_or_number(classes: View, wanted: str | int, index: int) -> None:
    named = whylight.explain(classes, PICTURE, wanted)
    torch.testing.assert_close(named.relevance, whylight.explain(classes, PICTURE, [index]).relevance, atol=0, rtol=0)
    assert named.logits == whylight.explain(classes, PICTURE, np.array([index])).logits


def test_embeddings_are_targets(clip: View) -> None:
    embedding = clip.encode_text(["a red star"])
    by_prompt = whylight.explain(clip, PICTURE, "a red star")
    for given in (embedding, embedding[0], embedding.numpy(), [embedding[0]]):
        by_embedding = whylight.explain(clip, PICTURE, given)
        assert by_embedding.targets == ("embedding 0",)
        torch.testing.assert_close(by_embedding.relevance, by_prompt.relevance)


def test_unknown_words_are_named_with_the_known_ones_and_a_way_out(clip: View) -> None:
    with pytest.warns(WhylightWarning) as caught:
        whylight.explain(clip, PICTURE, ["a red zebra", "a blue ring"])
    (said,) = [str(warning.message) for warning in caught]
    assert "'zebra'" in said
    assert "hourglass" in said
    assert "openclip:" in said
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whylight.explain(clip, PICTURE, "a red star")


@pytest.mark.parametrize(
    ("targets", "error", "said"),
    [
        ("tabbi", UnknownName, "tabby"),
        ("cat", UnknownName, "tiger cat"),
        ("9", BadInput, "0 to 4"),
        (-1, BadInput, "0 to 4"),
        ([], BadInput, "no target"),
        ([0, "lamp"], BadInput, "mixture"),
        (torch.zeros(1, 16), BadInput, "classifier"),
        (True, BadInput, "mixture"),
    ],
    ids=str,
)
def test_what_is_no_class(classes: View, targets: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        whylight.explain(classes, PICTURE, targets)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (None, "a cat"),
        ([], "no target"),
        ({"first": "a ring"}, "not a mapping"),
        ("  ", "empty"),
        (3, "no classes"),
        (torch.zeros(1, 7), "7 dimensions"),
        (torch.zeros(1, 2, 16), "not"),
    ],
    ids=str,
)
def test_what_is_no_prompt(clip: View, targets: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        whylight.explain(clip, PICTURE, targets)  # type: ignore[arg-type]


def test_wrong_models_methods_options_and_sizes(clip: View) -> None:
    def refused(error: type[Exception], said: str, *arguments: object, **options: object) -> None:
        with pytest.raises(error, match=said):
            whylight.explain(*arguments, **options)  # type: ignore[arg-type]

    refused(UnknownName, "scenes", "scense", PICTURE, "a star")
    refused(UnsupportedModel, "Linear", torch.nn.Linear(2, 2), PICTURE, "a star")
    refused(UnknownName, "legrad", clip, PICTURE, "a star", "legrat")
    refused(UnknownName, "start_layer", clip, PICTURE, "a star", start_layr=2)
    refused(BadInput, "positive", clip, PICTURE, "a star", size=0)
    refused(BadInput, "positive", clip, PICTURE, "a star", size=(32, 0))
    refused(BadInput, "crop, squash, pad", clip, PICTURE, "a star", fit="stretch")
    clip.module.train()
    try:
        refused(UnsupportedModel, "eval", clip, PICTURE, "a star")
    finally:
        clip.module.eval()


def test_a_live_model_works_and_stays_as_it_is(classes: View) -> None:
    module = classes.module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with torch.inference_mode():
        result = whylight.explain(module, PICTURE, "lamp")
    assert result.maps.shape == (1, 48, 48)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in module.parameters())


def test_many_prompts_are_each_alone(clip: View) -> None:
    prompts = ["a red star", "a blue ring", "a dotted heart"]
    together = whylight.explain(clip, PICTURE, prompts)
    for index, prompt in enumerate(prompts):
        alone = whylight.explain(clip, PICTURE, prompt)
        torch.testing.assert_close(together.relevance[index], alone.relevance[0])
        assert F.mse_loss(together.maps[index], alone.maps[0]) < 1e-6


def test_it_works_under_inference_mode(clip: View) -> None:
    with torch.inference_mode():
        result = whylight.explain(clip, PICTURE, ["a red star"], "chefercam")
    expected = whylight.explain(clip, PICTURE, ["a red star"], "chefercam")
    torch.testing.assert_close(result.relevance, expected.relevance)


def test_a_model_without_classes_and_prompts_is_asked_for_likeness() -> None:
    model = timm.create_model("test_vit", num_classes=0).eval()
    with pytest.raises(BadInput, match=r"predicts no class and reads no prompts: give another picture.*like="):
        whylight.explain(model, PICTURE)
    assert whylight.explain(model, PICTURE, like=PICTURE).scores[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("head", "given"),
    [
        (torch.nn.Sequential(torch.nn.Linear(64, 6), torch.nn.Unflatten(-1, (2, 3))), r"\(\d+, 2, 3\)"),
        (torch.nn.LSTM(64, 5), "a tuple"),
    ],
)
def test_a_head_that_gives_no_row_is_one_line(head: torch.nn.Module, given: str) -> None:
    model = timm.create_model("test_vit", num_classes=3)
    model.head = head
    with pytest.raises(UnsupportedModel, match=rf"gives {given}, where a map is of one tensor \(batch, classes"):
        whylight.explain(model.eval(), PICTURE)
