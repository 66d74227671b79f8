"""Labels of data sets as classes and prompts of models, and what methods are called on the command line."""

from __future__ import annotations

import pytest
import timm
import torch

from whylight.errors import BadInput, UnknownName, UnsupportedModel
from whylight.evaluation.benchmarks.benchmark import Batch, Item
from whylight.evaluation.benchmarks.perturbation import Perturbation
from whylight.evaluation.benchmarks.picture_rows import PictureRows
from whylight.evaluation.data.wordnet import imagenet_names, in_words
from whylight.evaluation.heads import Head
from whylight.evaluation.method_choices import parse_methods, with_head
from whylight.models.load import load
from whylight.models.timm.view import TimmView


def classifier(classes: int) -> TimmView:
    torch.manual_seed(0)
    model = timm.models.VisionTransformer(
        img_size=32, patch_size=16, embed_dim=12, depth=1, num_heads=2, num_classes=classes
    )
    return TimmView(model.eval())


@pytest.fixture(scope="module")
def scenes():
    return load("scenes")


def test_a_classifier_of_imagenet_is_asked_by_wordnet_ids():
    head = Head(classifier(1000), {})
    assert head.index("n01440764") == 0
    assert head.index("n15075141") == 999
    assert not head.knows("n99999999")
    assert head.targets([["n01443537"], ["n01440764"]]).tolist() == [[1], [0]]


def test_a_classifier_with_names_of_its_own_is_asked_by_those():
    view = classifier(2)
    view.module.pretrained_cfg = {"label_names": ["n09193705", "n01440764"]}
    head = Head(view, {})
    assert (head.index("n01440764"), head.label(0)) == (1, "n09193705")
    pixels = torch.randn(3, 3, 32, 32)
    assert torch.equal(head.predict(pixels), view.module(pixels).argmax(-1))


@pytest.mark.parametrize(("scores", "said"), [("softmax", [False, True]), ("sigmoid", [True, True])])
def test_what_a_classifier_says_is_what_its_scores_mean(scores, said):
    """Logits 2 and 3: of labels that each hold or not, both hold; of two classes it is the second."""
    view = classifier(2)
    with torch.no_grad():
        view.module.head.weight.zero_()
        view.module.head.bias.copy_(torch.tensor([2.0, 3.0]))
    view.scores = scores
    pixels = torch.randn(2, 3, 32, 32)
    assert Head(view, {}).says(pixels, torch.tensor([0, 1])).tolist() == said
    assert Head(view, {}).predict(pixels).tolist() == [1, 1]


@pytest.mark.parametrize("logit", [-1.0, 1.0])
def test_one_logit_says_yes_or_no(logit):
    view = classifier(1)
    with torch.no_grad():
        view.module.head.weight.zero_()
        view.module.head.bias.fill_(logit)
    assert Head(view, {}).says(torch.randn(1, 3, 32, 32), torch.tensor([0])).tolist() == [logit > 0]


def test_perturbation_counts_what_scores_mean(monkeypatch):
    """A pixel's brightness is the logit of both labels: erased to black, neither holds any more."""
    view = classifier(2)
    monkeypatch.setattr(view, "output", lambda pixels: pixels.mean((1, 2, 3))[:, None] + torch.tensor([[0.0, 0.1]]))
    maps, pixels = torch.rand(1, 2, 2), torch.ones(1, 3, 32, 32)
    item = Item(0, "0", "0", True)
    for scores, clean, last in (("sigmoid", True, False), ("softmax", False, False)):
        view.scores = scores
        batch = Batch(pixels, torch.tensor([-1.0] * 3), Head(view, {}), (2, 2))
        (row,) = Perturbation().measure(batch, [item], maps, None)
        assert (row["clean"], row["positive"][0], row["positive"][-1]) == (clean, clean, last)


def test_values_are_neither_right_nor_wrong():
    view = classifier(2)
    view.scores = "raw"
    with pytest.raises(UnsupportedModel, match="gives values, no classes"):
        PictureRows(view, Head(view, {}), Perturbation(), [], ["target"])


def test_a_zero_shot_head_is_the_mean_of_its_templates(scenes):
    names = {"x": "circle", "y": "star"}
    head = Head(scenes, names, ("a {}", "one {}"))
    each = scenes.encode_text(["a star", "one star"])
    mean = torch.nn.functional.normalize(each.mean(0), dim=-1)
    assert torch.allclose(head.embeddings[1], mean, atol=1e-6)
    free = head.targets([["y", "heart"]])[0]
    assert torch.allclose(free[0], mean, atol=1e-6)
    heart = torch.nn.functional.normalize(scenes.encode_text(["a heart", "one heart"]).mean(0), dim=-1)
    assert torch.allclose(free[1], heart, atol=1e-6)
    with pytest.raises(BadInput, match="template"):
        Head(scenes, names, ("a photo",))


def test_wordnet_ids_in_words():
    assert len(imagenet_names()) == 1000
    assert in_words("n02129165") == "lion"
    assert in_words("n00007846") == "person"
    assert in_words("n99999999") == "n99999999"


def test_methods_with_options():
    legrad, centered, *baselines = parse_methods("legrad, legrad:centered=true:start_layer=-2")
    assert (legrad.method, legrad.options) == ("legrad", {})
    assert centered.options == {"centered": True, "start_layer": -2}
    assert [choice.label for choice in baselines] == ["centre", "random"]
    for wrong in ("legrad,legrad", "", "legrad:centred"):
        with pytest.raises(BadInput):
            parse_methods(wrong)
    for unknown in ("legard", "legrad:layers=2"):
        with pytest.raises(UnknownName):
            parse_methods(unknown)


def test_an_option_may_stand_for_all_classes(scenes):
    chosen = parse_methods("decomposition:contrast=head")
    head = Head(scenes, {"x": "circle", "y": "star"})
    assert with_head(chosen, head.embeddings)[0].options["contrast"] is head.embeddings
    with pytest.raises(BadInput, match="classifier"):
        with_head(chosen, Head(classifier(2), {}).embeddings)
