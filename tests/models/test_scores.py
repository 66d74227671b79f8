"""What a classifier's outputs mean, against the formulas, and what is counted of its head."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import timm
import torch
import transformers
from PIL import Image
from torch import nn
from zoo.text_classifier import tokenizer
from zoo.transformers_models import BERT, VIT, build

import whylight
from whylight.errors import BadInput, UnknownName, UnsupportedModel

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))


def softmax(logits: list[float]) -> list[float]:
    return [math.exp(x) / sum(map(math.exp, logits)) for x in logits]


KINDS = [
    ("regression", 1, "raw", lambda logits: logits),
    ("regression", 3, "raw", lambda logits: logits),
    ("multi_label_classification", 3, "sigmoid", lambda logits: [1 / (1 + math.exp(-x)) for x in logits]),
    (None, 1, "sigmoid", lambda logits: [1 / (1 + math.exp(-x)) for x in logits]),
    (None, 3, "softmax", softmax),
    (
        "single_label_classification",
        3,
        "softmax",
        softmax,
    ),
]


def vit(labels: int, problem: str | None) -> Any:
    return build(
        "ViTForImageClassification", transformers.ViTConfig(**VIT | {"num_labels": labels}, problem_type=problem)
    )


def bert(labels: int, problem: str | None) -> Any:
    config = transformers.BertConfig(**BERT | {"num_labels": labels}, problem_type=problem)
    return whylight.wrap(build("BertForSequenceClassification", config), tokenizer=tokenizer())


@pytest.mark.parametrize(("problem", "labels", "kind", "formula"), KINDS)
def test_scores_of_pictures_and_texts(problem: str | None, labels: int, kind: str, formula: Any) -> None:
    view = whylight.wrap(vit(labels, problem))
    targets = list(range(labels))
    session = view.record(PICTURE)
    for found in (
        whylight.explain(view, PICTURE, targets),
        session.explain(targets),
        whylight.explain_text(bert(labels, problem), "the film was good", targets),
    ):
        assert found.scores == pytest.approx(formula(found.logits), abs=1e-6)
        assert found.score_name == ("value" if kind == "raw" else "probability")
        assert found.score_name in found.to_dict()["targets"][0]
        assert found.said(0).startswith(found.score_name)
    assert view.scores == kind


def test_scores_can_be_chosen() -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1, num_classes=1).eval()
    found = whylight.explain(whylight.wrap(model, scores="raw"), PICTURE)
    assert found.scores == pytest.approx(found.logits)
    assert whylight.explain(model, PICTURE).score_name == "probability"
    with pytest.raises(BadInput, match="softmax, sigmoid, raw"):
        whylight.wrap(model, scores="percent")  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["timm", "transformers"])
@pytest.mark.parametrize("deep", [False, True])
def test_replaced_heads_are_counted(library: str, deep: bool) -> None:
    torch.manual_seed(0)
    if library == "timm":
        model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1).eval()
        head = model.head
    else:
        model = vit(3, None)
        head = model.classifier
    new = nn.Linear(head.in_features, 5)
    new = nn.Sequential(nn.Linear(head.in_features, head.in_features), nn.ReLU(), new) if deep else new
    new = new.to(head.weight.dtype)
    setattr(model, "head" if library == "timm" else "classifier", new)
    view = whylight.wrap(model.eval())
    assert view.class_count == 5
    assert view.class_names is None
    assert whylight.explain(view, PICTURE, [4]).targets == ("class 4",)
    with pytest.raises(BadInput, match="0 to 4"):
        whylight.explain(view, PICTURE, [5])


def test_a_head_taken_away_gives_features() -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1).eval()
    model.head = nn.Identity()
    assert not whylight.wrap(model).classifies


def test_names_of_classes_by_what_they_are_called_exactly() -> None:
    names = ["crane, machine", "kite", "Crane", "hawk, kite", "maillot", "maillot", "suit, maillot"]
    config = transformers.ViTConfig(**VIT | {"num_labels": len(names), "id2label": dict(enumerate(names))})
    view = whylight.wrap(build("ViTForImageClassification", config))
    for asked, index in (("crane", 2), ("Kite", 1), ("machine", 0), ("hawk", 3), ("suit", 6)):
        assert whylight.explain(view, PICTURE, asked).targets == (names[index],)
    with pytest.raises(BadInput, match="4 or 5"):
        whylight.explain(view, PICTURE, "maillot")
    with pytest.raises(UnknownName):
        whylight.explain(view, PICTURE, "cran")


def test_a_part_in_training_mode_is_refused_by_name() -> None:
    model = vit(3, None)
    part = next(name for name, each in model.named_modules() if isinstance(each, nn.Dropout))
    model.get_submodule(part).train()
    with pytest.raises(UnsupportedModel, match=part):
        whylight.explain(model, PICTURE)


def test_only_known_wrappers_are_opened() -> None:
    class Own(nn.Module):
        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return -self.module(pixels)

    inner = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1, num_classes=2).eval()
    for model in (inner, vit(3, None)):
        with pytest.raises(UnsupportedModel, match=r"\.module \(\w+\) is: wrap that"):
            whylight.wrap(Own(model))
    assert whylight.wrap(nn.DataParallel(inner)).module is inner


@pytest.mark.parametrize("spoilt", ["weight", "output"])
def test_what_is_no_number_is_refused(spoilt: str) -> None:
    model = vit(3, None)
    model.classifier.bias.data[1] = math.nan
    if spoilt == "output":
        model.classifier.bias.data[1] = 0
        model.classifier.register_forward_hook(lambda *_: torch.full((1, 3), math.nan))
    with pytest.raises(UnsupportedModel, match=r"classifier\.bias" if spoilt == "weight" else "NaN or infinity"):
        whylight.explain(model, PICTURE, [0])


@pytest.mark.parametrize(
    ("low", "high", "right"),
    [
        (0, 1, True),
        (0, 1.0005, True),
        (0, 255, True),
        (0, 65535, True),
        (-1, 1, False),
        (0, 4095, False),
        (-1000, 3000, False),
    ],
)
def test_grey_floats_are_right_or_refused(low: float, high: float, right: bool) -> None:
    from whylight.pictures.read import read_picture

    grey = np.arange(0, 256, dtype=np.float64).reshape(16, 16)
    values = (low + (high - low) * grey / 255).astype(np.float32)
    if not right:
        with pytest.raises(BadInput, match="do not say what is white"):
            read_picture(Image.fromarray(values))
        return
    assert np.abs(np.asarray(read_picture(Image.fromarray(values)), dtype=float)[..., 0] - grey).max() <= 1


def test_parts_that_never_look_at_the_mode_may_be_in_training_mode() -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1, num_classes=3).eval()
    model.head = torch.nn.Sequential(torch.nn.LayerNorm(192), torch.nn.Linear(192, 4), torch.nn.Tanh())
    view = whylight.wrap(model)
    view.check_ready()
    model.head = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Linear(192, 4))
    with pytest.raises(UnsupportedModel, match=r"training mode in its part \.head\.0"):
        view.check_ready()
