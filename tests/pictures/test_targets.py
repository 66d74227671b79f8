"""What people ask beside prompts and classes: this rather than that, what speaks against, likeness, functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from PIL import Image

import whylight
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.scenes import draw_scene

PICTURE, OTHER = draw_scene(10**9 + 3, 48).picture, draw_scene(10**9 + 5, 48).picture


def pixels_of(view: View, picture: Any) -> torch.Tensor:
    assert view.preprocessing is not None
    return view.preprocessing(Image.fromarray(picture))[0][None]


def test_this_rather_than_that_has_the_difference_of_the_logits_as_score(clip: View) -> None:
    apart = whylight.explain(clip, PICTURE, ["a red star", "a blue ring"])
    result = whylight.explain(clip, PICTURE, whylight.difference("a red star", "a blue ring"), "chefercam")
    assert result.targets == ("a red star rather than a blue ring",)
    assert result.score_name == "difference"
    assert result.scores[0] == pytest.approx(apart.logits[0] - apart.logits[1], abs=1e-4)
    assert result.logits == result.scores
    assert result.said(0) == f"difference of logits {result.scores[0]:.2f}"
    assert result.to_dict()["targets"][0]["difference"] == result.scores[0]
    image, text = clip.output(pixels_of(clip, PICTURE)), clip.encode_text(["a red star", "a blue ring"])
    expected = clip.logit_scale * (F.normalize(image, dim=-1) @ (text[0] - text[1]))
    assert result.scores[0] == pytest.approx(float(expected.detach()), abs=1e-4)


def test_classes_by_name_too(classes: View) -> None:
    logits = classes.module(pixels_of(classes, PICTURE))[0].detach()
    result = whylight.explain(classes, PICTURE, whylight.difference("lamp", 0))
    assert result.targets == ("lamp rather than tench, Tinca tinca",)
    assert result.scores[0] == pytest.approx(float(logits[4] - logits[0]), abs=1e-5)
    own = whylight.explain(classes, PICTURE, lambda output: output[:, 4] - output[:, 0])
    torch.testing.assert_close(own.relevance, result.relevance)
    assert (own.targets, own.score_name, own.said(0)) == (("target 0",), "value", f"value {result.scores[0]:.3f}")
    pair = [whylight.difference("lamp", "tiger cat"), whylight.difference("red_star", "tiger cat")]
    assert whylight.explain(classes, PICTURE, pair).targets == (
        "lamp rather than tiger cat",
        "red_star rather than tiger cat",
    )


def test_what_speaks_against_says_what_the_model_says(classes: View) -> None:
    plain = whylight.explain(classes, PICTURE, "lamp", "gradcam")
    against = whylight.explain(classes, PICTURE, "lamp", "gradcam", negative=True)
    assert against.targets == ("against lamp",)
    assert (against.scores, against.score_name) == (plain.scores, "probability")
    torch.testing.assert_close(against.relevance, -plain.relevance)
    predicted = whylight.explain(classes, PICTURE, negative=True)
    assert predicted.targets == (f"against {whylight.explain(classes, PICTURE).targets[0]}",)


def test_likeness_to_another_picture(clip: View, tmp_path: Path) -> None:
    Image.fromarray(OTHER).save(tmp_path / "other.png")
    result = whylight.explain(clip, PICTURE, like=tmp_path / "other.png")
    ours, theirs = (clip.output(pixels_of(clip, picture)).detach() for picture in (PICTURE, OTHER))
    assert result.targets == ("like other.png",)
    assert result.scores[0] == pytest.approx(float(F.cosine_similarity(ours, theirs)), abs=1e-6)
    torch.testing.assert_close(result.relevance, whylight.explain(clip, PICTURE, theirs).relevance)
    session = clip.record(PICTURE).explain(like=OTHER)
    torch.testing.assert_close(session.relevance, result.relevance, rtol=1e-4, atol=1e-6)
    assert session.targets == ("like the other picture",)
    larger = {"size": (48, 64), "fit": "squash"}  # the other picture is read alike
    asked = whylight.explain(clip, PICTURE, like=OTHER, **larger)
    assert clip.record(PICTURE, **larger).explain(like=OTHER).scores == pytest.approx(asked.scores, abs=1e-5)


def test_likeness_to_one_patch_reads_that_patch_alone(clip: View) -> None:
    result = whylight.explain(clip, PICTURE, like=OTHER, patch=(1, 2))
    visual = clip.module.visual
    seen: list[torch.Tensor] = []
    hook = visual.transformer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    ours = clip.module.encode_image(pixels_of(clip, PICTURE))
    clip.module.encode_image(pixels_of(clip, OTHER))
    hook.remove()
    token = visual.ln_post(seen[1][:, 1 + 1 * 4 + 2]) @ visual.proj
    assert result.scores[0] == pytest.approx(float(F.cosine_similarity(ours, token).detach()), abs=1e-5)
    assert result.targets == ("like the other picture, patch 1, 2",)
    with pytest.raises(BadInput, match="no patch"):
        whylight.explain(clip, PICTURE, like=OTHER, patch=(4, 0))


def test_features_without_a_classifier_can_be_likened_too() -> None:
    torch.manual_seed(0)
    for pool in ("token", "map", "avg"):
        options = {"class_token": pool == "token", "global_pool": pool}
        model = timm.models.VisionTransformer(32, 8, embed_dim=24, depth=2, num_heads=2, num_classes=0, **options)
        for patch in (None, (0, 3)):
            result = whylight.explain(model.eval(), PICTURE, like=PICTURE, patch=patch)
            assert -1 <= result.scores[0] <= 1 + 1e-6
            assert (result.scores[0] == pytest.approx(1, abs=1e-5)) == (patch is None)


def test_regression_has_a_value_and_what_makes_it_low() -> None:
    torch.manual_seed(0)
    model = timm.models.VisionTransformer(32, 8, embed_dim=24, depth=2, num_heads=2, num_classes=1).eval()
    view = whylight.wrap(model, scores="raw")
    result = whylight.explain(view, PICTURE, method="gradcam")
    assert result.score_name == "value"
    assert result.scores[0] == pytest.approx(float(model(pixels_of(view, PICTURE))[0, 0].detach()), abs=1e-5)
    torch.testing.assert_close(
        whylight.explain(view, PICTURE, method="gradcam", negative=True).relevance, -result.relevance
    )


@pytest.mark.parametrize(
    ("targets", "options", "said"),
    [
        ("lamp", {"like": PICTURE}, "instead of targets"),
        (None, {"like": PICTURE}, "is a classifier, whose outputs are no embeddings"),
        (None, {"patch": (0, 0)}, "give like, too"),
        ([whylight.difference("lamp", "lmap")], {}, "no class 'lmap'"),
        (whylight.difference(["lamp", 0], 1), {}, "mixture"),
        (whylight.difference("lamp", "tiger cat"), {"method": "gem"}, "gem"),
        ([lambda y: y[:, 0], "lamp"], {}, "mixture"),
        (Image.fromarray(OTHER), {}, "a picture to compare with goes as like="),
        ("lamp", {"words": True, "negative": True}, "leave negative=True out"),
        ("lamp", {"negative": "yes"}, "negative='yes' must be True or False"),
        ("lamp", {"method": "raw_attention", "head": "all"}, "a map for each head"),
    ],
)
def test_what_does_not_go_together_is_one_line(classes: View, targets: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(whylight.WhylightError, match=said) as error:
        whylight.explain(classes, PICTURE, targets, **options)
    assert "\n" not in str(error.value)


def test_texts_have_them_too(clip: View) -> None:
    from zoo.text_classifier import text_classifier

    view = text_classifier()
    apart = whylight.explain_text(view, "a good film", [0, 1])
    result = whylight.explain_text(view, "a good film", whylight.difference(1, 0))
    assert result.score_name == "difference"
    assert result.scores[0] == pytest.approx(apart.logits[1] - apart.logits[0], abs=1e-5)
    own = whylight.explain_text(view, "a good film", lambda y: y[:, 1] - y[:, 0])
    torch.testing.assert_close(own.word_relevance, result.word_relevance)
    against = whylight.explain_text(view, "a good film", 1, "gradcam", negative=True)
    torch.testing.assert_close(
        against.word_relevance, -whylight.explain_text(view, "a good film", 1, "gradcam").word_relevance
    )
    likely = whylight.explain_text(clip, "a red star", PICTURE)
    unlikely = whylight.explain_text(clip, "a red star", PICTURE, negative=True)
    assert likely.scores == unlikely.scores
    assert not torch.equal(likely.relevance, unlikely.relevance)
