"""Gradients at the pixels, LibraGrad and integrated gradients against the values of independent implementations."""

from __future__ import annotations

import sys

import pytest
import torch
from oracle_files import relative_difference
from oracle_models import timm_oracle
from torch import Tensor

from whylight.errors import BadInput, MissingExtra
from whylight.methods import relevance
from whylight.methods.input_gradient import gradients_at_input
from whylight.methods.integrated_gradients import Quadrature
from whylight.models.targets import as_targets
from whylight.passes.full_pass import full_pass
from whylight.passes.logit_gradients import logit_gradients
from whylight.propagation.libra import libra_gradients

CLASSES = [0, 3]


def pixel_gradients(libra: bool) -> Tensor:
    view, oracle = timm_oracle("libra")
    targets = as_targets(view, CLASSES, 1)
    if not libra:
        return torch.cat([gradient for _, gradient in gradients_at_input(view, oracle["image"], targets)])
    with libra_gradients():
        return torch.cat([gradient for _, gradient in gradients_at_input(view, oracle["image"], targets)])


def test_libra_input_gradient() -> None:
    view, oracle = timm_oracle("libra")
    gradients = pixel_gradients(libra=True)
    maps = relevance(view, oracle["image"], CLASSES, "input_gradient", libra=True)
    for index, target in enumerate(CLASSES):
        expected = oracle[f"expected.libra.input_gradient.class_{target}"]
        assert relative_difference(gradients[index], expected) < 1e-8
        assert relative_difference(maps[0, index], expected.abs().amax(0)) < 1e-8


def test_libra_input_times_gradient_is_complete() -> None:
    view, oracle = timm_oracle("libra")
    maps = relevance(view, oracle["image"], CLASSES, "input_gradient", times_input=True, libra=True)
    for index, target in enumerate(CLASSES):
        assert relative_difference(maps[0, index], oracle[f"expected.libra.input_x_gradient.class_{target}"]) < 1e-8
        rest = oracle[f"expected.derived.libra.frozen_logit_at_zero_image.class_{target}"]
        logit = oracle["expected.logits"][0, target]
        assert relative_difference(maps[0, index].sum() + rest, logit) < 1e-8


def test_libra_gradients_of_attention_maps() -> None:
    view, oracle = timm_oracle("libra")
    with libra_gradients():
        full = full_pass(view, oracle["image"])
        (gradients,) = logit_gradients(full, as_targets(view, CLASSES, 1))
    maps = [call.map_gradient(gradient) for call, gradient in gradients.from_last()][::-1]
    for index, target in enumerate(CLASSES):
        found = torch.stack([each[index, 0] for each in maps])
        assert relative_difference(found, oracle[f"expected.libra.attention_gradients.class_{target}"]) < 1e-8


@pytest.mark.parametrize(("libra", "name"), [(True, "libra"), (False, "plain")])
def test_chefercam_with_and_without_libra(libra: bool, name: str) -> None:
    view, oracle = timm_oracle("libra")
    maps = relevance(view, oracle["image"], CLASSES, "chefercam", libra=libra)
    for index, target in enumerate(CLASSES):
        assert relative_difference(maps[0, index], oracle[f"expected.{name}.genatt.class_{target}"]) < 1e-8


@pytest.mark.parametrize("quadrature", ["gausslegendre", "riemann_middle", "riemann_trapezoid"])
def test_integrated_gradients(quadrature: Quadrature) -> None:
    view, oracle = timm_oracle("integrated_gradients")
    maps = relevance(view, oracle["image"], CLASSES, "integrated_gradients", quadrature=quadrature)
    for index, target in enumerate(CLASSES):
        assert relative_difference(maps[:, index], oracle[f"expected.{quadrature}.class_{target}"]) < 1e-7


def test_integrated_gradients_of_another_target_per_picture() -> None:
    view, oracle = timm_oracle("integrated_gradients")
    maps = relevance(view, oracle["image"], [[0], [3]], "integrated_gradients")
    for row, target in enumerate(CLASSES):
        assert relative_difference(maps[row, 0], oracle[f"expected.gausslegendre.class_{target}"][row]) < 1e-7


def test_integrated_gradients_add_up_to_the_logit() -> None:
    view, oracle = timm_oracle("integrated_gradients")
    pixels = oracle["image"]
    maps = relevance(view, pixels, CLASSES, "integrated_gradients", steps=60)
    change = (view.output(pixels) - view.output(pixels * 0))[:, CLASSES].detach()
    assert relative_difference(maps.sum((2, 3)), change) < 1e-6


def test_a_missing_captum_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    view, oracle = timm_oracle("integrated_gradients")
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MissingExtra, match=r'captum.*pip install "whylight\[captum\]"'):
        relevance(view, oracle["image"], CLASSES, "integrated_gradients")


@pytest.mark.parametrize(("name", "steps"), [("integrated_gradients", 1), ("beyond_intuition", 0)])
def test_too_few_steps(name: str, steps: int) -> None:
    view, oracle = timm_oracle("integrated_gradients")
    with pytest.raises(BadInput, match=r"steps must be [12] to 1,000"):
        relevance(view, oracle["image"], CLASSES, name, steps=steps)


@pytest.mark.parametrize("name", ["rollout", "chefercam", "beyond_intuition"])
def test_a_layer_that_is_not_there(name: str) -> None:
    view, oracle = timm_oracle("integrated_gradients")
    with pytest.raises(BadInput, match="start_layer 3 is outside a model of 3 layers"):
        relevance(view, oracle["image"], CLASSES, name, start_layer=3)
