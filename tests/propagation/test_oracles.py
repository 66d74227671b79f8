"""Every method made of relevance, value by value against independent implementations that rewrite the whole model."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from oracle_files import Oracle, relative_difference
from oracle_models import bert_oracle, timm_oracle
from torch import Tensor

from whylight.methods import relevance
from whylight.models.view import Inputs, View

CLASSES = {"vit": [0, 2], "bert": [0, 1]}
RULES = ["baseline", "conservative"]
TOLERANCE = 1e-8


def case(kind: str) -> tuple[View, Inputs, Oracle]:
    if kind == "bert":
        return bert_oracle("bert")
    view, oracle = timm_oracle("vit_relevance_propagation", final_norm_eps=1e-5)
    return view, oracle["image"], oracle


def differences(kind: str, method: str, name: str, **options: Any) -> list[float]:
    """For each class, our map of all classes at once against the oracle's of that class alone."""
    view, inputs, oracle = case(kind)
    maps = relevance(view, inputs, CLASSES[kind], method, **options)
    expected = [oracle[f"expected.{name}.class_{label}"].reshape(maps[:, 0].shape) for label in CLASSES[kind]]
    return [relative_difference(readout_as_published(maps[:, i], e), e) for i, e in enumerate(expected)]


def readout_as_published(maps: Tensor, expected: Tensor) -> Tensor:
    """The published code sets the class token's own entry of a text's LRP maps to zero."""
    return maps if expected.flatten()[0] != 0 else torch.cat([torch.zeros_like(maps[:, :1]), maps[:, 1:]], dim=1)


@pytest.mark.parametrize("kind", CLASSES)
def test_models_are_the_oracles(kind: str) -> None:
    view, inputs, oracle = case(kind)
    assert relative_difference(view.output(inputs), oracle["expected.logits"].reshape(1, -1)) < 1e-12


@pytest.mark.parametrize(("kind", "start"), [("vit", 0), ("vit", 1), ("bert", 0), ("bert", 2)])
def test_transformer_attribution(kind: str, start: int) -> None:
    name = f"transformer_attribution.start_layer_{start}"
    assert max(differences(kind, "transformer_attribution", name, start_layer=start)) < TOLERANCE


@pytest.mark.parametrize("start", [0, 1])
def test_relevance_rollout(start: int) -> None:
    name = f"relevance_rollout.start_layer_{start}"
    assert max(differences("vit", "relevance_rollout", name, start_layer=start)) < TOLERANCE


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", CLASSES)
def test_partial_lrp(kind: str, rules: str) -> None:
    assert max(differences(kind, "partial_lrp", f"partial_lrp.{rules}_rules", rules=rules)) < TOLERANCE


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("kind", CLASSES)
def test_lrp_down_to_pixels_and_tokens(kind: str, rules: str) -> None:
    assert max(differences(kind, "lrp", f"full_lrp.{rules}_rules", rules=rules)) < TOLERANCE


def test_negative_start_layers_count_from_the_end() -> None:
    assert (
        max(differences("bert", "transformer_attribution", "transformer_attribution.start_layer_2", start_layer=-1))
        < TOLERANCE
    )


def test_rows_are_normalised_for_texts_only() -> None:
    view, inputs, _ = case("vit")
    published = relevance(view, inputs, [0], "transformer_attribution")
    assert published.equal(relevance(view, inputs, [0], "transformer_attribution", normalize_rows=False))
    normalized = relevance(view, inputs, [0], "transformer_attribution", normalize_rows=True)
    assert 0 < normalized.sum() < 1
    assert relative_difference(published, normalized) > 0.01
