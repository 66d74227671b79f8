"""Swin, whose attention lies in windows: GradCAM and gradients of the input are exact, all else is refused by name."""

from __future__ import annotations

from typing import Any

import captum.attr
import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from zoo.perturb import pictures
from zoo.swin_models import SWIN, of_timm, own_output
from zoo.timm_models import timm_version

import whylight
from whylight.errors import BadInput, UnsupportedModel
from whylight.methods import find_method, methods
from whylight.models.transformers.answering.releases import OLD

WORKING = ["gradcam", "input_gradient", "integrated_gradients"]
OTHERS = [name for name in methods() if name not in WORKING]


CLASSIFIERS = ["timm", "transformers"]


def last_norm(module: Any) -> nn.Module:
    """The first norm of the last block: where GradCAM is usually asked of a Swin."""
    if hasattr(module, "swin"):
        return module.swin.encoder.layers[-1].blocks[-1].layernorm_before
    return module.layers[-1].blocks[-1].norm1


@pytest.mark.parametrize("name", SWIN)
@torch.no_grad()
def test_driven_forward_is_the_models_own(name: str) -> None:
    if OLD and "absolute" in name:
        pytest.skip("before transformers 5 its own forward has a position too many")
    module = SWIN[name]()[0]
    view = whylight.wrap(module)
    own = own_output(module, pictures())
    assert (view.output(pictures()) - own).abs().max() < 1e-10
    assert own.std() > 1e-3
    run = view.begin(pictures())
    assert (run.tokens.shape[1], run.grid, len(run.blocks)) == (64, (4, 4), 4)
    pooled = run.tokens.new_ones(2, 24).cumsum(1)
    assert (run.head(pooled) - run.readout(pooled[:, None].expand(-1, 16, -1))).abs().max() < 1e-12


@pytest.mark.parametrize("name", ["timm, any size", "transformers"])
@torch.no_grad()
def test_other_sizes(name: str) -> None:
    if name.startswith("timm") and timm_version() < (1, 0, 31):
        pytest.skip("before timm 1.0.31 its own forward takes one size")
    module, pixels = SWIN[name]()[0], pictures((48, 64))
    before = {key: value.clone() for key, value in module.state_dict().items()}
    view = whylight.wrap(module)
    assert (view.output(pixels) - own_output(module, pixels)).abs().max() < 1e-10
    assert view.begin(pixels).grid == (6, 8)
    if name == "timm, any size":
        view.output(pictures((16, 16)))  # a grid smaller than the window
    else:
        with pytest.raises(BadInput, match="at least 32x32 pixels"):
            view.output(pictures((16, 16)))
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert (view.output(pictures()) - own_output(module, pictures())).abs().max() < 1e-10


@torch.no_grad()
def test_timms_own_way_to_another_size() -> None:
    module, larger = of_timm()[0], of_timm()[0]
    larger.set_input_size(img_size=(48, 64))
    pixels = pictures((48, 64))
    assert (whylight.wrap(module).output(pixels) - larger(pixels)).abs().max() < 1e-10
    assert tuple(module.patch_embed.img_size) == (32, 32)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_gradcam_is_what_follows_by_hand(name: str) -> None:
    """The sum of the channels weighted by their mean gradient; the gradient of the input is captum's saliency."""
    module, pixels = SWIN[name]()[0], pictures()
    maps = whylight.relevance(whylight.wrap(module), pixels, [0, 3], "gradcam")
    assert maps.shape == (2, 2, 16)

    def logits(x: Tensor) -> Tensor:
        return own_output(module, x)

    captured: list[Tensor] = []

    def as_channels(_: Any, __: Any, output: Tensor) -> None:
        captured.append(output)

    handle = last_norm(module).register_forward_hook(as_channels)
    try:
        for row, target in enumerate((0, 3)):
            captured.clear()
            (gradient,) = torch.autograd.grad(logits(pixels)[:, target].sum(), captured)
            activation, gradient = (each.reshape(2, 16, 24) for each in (captured[0], gradient))
            expected = (activation * gradient.mean(1, keepdim=True)).sum(-1)
            assert (maps[:, row] - expected).abs().max() < 1e-10 * expected.abs().max()
    finally:
        handle.remove()
    saliency = captum.attr.Saliency(logits).attribute(pixels.clone(), target=3, abs=True).amax(1)
    own = whylight.relevance(whylight.wrap(module), pixels, [3], "input_gradient")[:, 0]
    assert (own - saliency).abs().max() < 1e-10 * saliency.max()


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("at", ["norm1", "input", "output"])
def test_gradcam_of_every_block(name: str, at: str) -> None:
    view, pixels = whylight.wrap(SWIN[name]()[0]), pictures()
    for layer, tokens in zip((0, 1, 2, 3), (64, 64, 16, 16), strict=True):
        expected = 16 if (layer, at) == (1, "output") else tokens
        maps = whylight.relevance(view, pixels, [0, 3], "gradcam", layer=layer, at=at)
        assert maps.shape == (2, 2, expected)
        assert maps.std() > 0


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("method", WORKING)
def test_rows_and_targets_are_what_they_would_be_alone(name: str, method: str) -> None:
    view, pixels = whylight.wrap(SWIN[name]()[0]), pictures()
    options = {"steps": 3} if method == "integrated_gradients" else {}
    maps = whylight.relevance(view, pixels, [0, 3], method, **options)
    for row in range(2):
        for column, target in enumerate((0, 3)):
            alone = whylight.relevance(view, pixels[row : row + 1], [target], method, **options)
            assert (alone[0, 0] - maps[row, column]).abs().max() < 1e-10 * maps.abs().max()


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("method", OTHERS)
def test_methods_that_read_attention_refuse_by_name(name: str, method: str) -> None:
    with pytest.raises(UnsupportedModel, match=f"^{method} reads attention .* windows.*choose gradcam or") as error:
        whylight.relevance(whylight.wrap(SWIN[name]()[0]), pictures(), [0], method)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("method", WORKING)
def test_the_model_is_left_as_it_was(method: str) -> None:
    """transformers' layers write to themselves where their window is as large as the grid; a shadow does that here."""
    module = SWIN["transformers"]()[0]

    def written() -> list[tuple[int, int]]:
        layers = [layer for stage in module.swin.encoder.layers for layer in stage.blocks]
        return [(layer.shift_size, layer.window_size) for layer in layers]

    before, weights = written(), {key: value.clone() for key, value in module.state_dict().items()}
    whylight.relevance(whylight.wrap(module), pictures(), [0], method)
    assert written() == before
    assert all(torch.equal(weights[key], value) for key, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    module(pictures())
    assert written() != before, "a model that writes nothing proves nothing"


def test_libra_smooth_and_recordings_are_refused() -> None:
    view = whylight.wrap(of_timm()[0])
    for option in ("libra", "smooth"):
        with pytest.raises(UnsupportedModel, match="gradcam with libra or smooth"):
            whylight.relevance(view, pictures(), [0], "gradcam", **{option: True})
    with pytest.raises(UnsupportedModel, match=r"^legrad reads attention"):
        whylight.record(view, Image.new("RGB", (40, 40)))
    assert find_method("gradcam").windows


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_maps_lie_on_the_picture(name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    view = whylight.wrap(SWIN[name]()[0])
    assert view.preprocessing is not None
    assert view.preprocessing.patch == (8, 8)
    for layer, grid in ((-1, (4, 4)), (0, (8, 8))):
        explanation = whylight.explain(view, Image.fromarray(noise), [3], "gradcam", layer=layer)
        assert explanation.relevance.shape == (1, *grid)
        assert explanation.overlay(0).size == (60, 40)
    wide = whylight.explain(view, Image.fromarray(noise), [3], "gradcam", size=(32, 48))
    assert wide.relevance.shape == (1, 4, 6)


def test_a_dual_encoder_over_swin_names_the_tower() -> None:
    vision = {"timm_model_name": "swin_tiny_patch4_window7_224", "timm_model_pretrained": False, "image_size": 224}
    text = {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1}
    with torch.device("meta"):
        model = open_clip.CustomTextCLIP(16, vision_cfg=vision, text_cfg=text)
    with pytest.raises(UnsupportedModel, match=r"Swin.*\.visual\.trunk"):
        whylight.wrap(model)
