"""Autocast changes no map by more than its digits, and methods that need gradients refuse models of integers."""

from __future__ import annotations

import warnings
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from small_views import classifier, dual_encoder
from torch import Tensor, nn

import whylight
from whylight.errors import UnsupportedModel
from whylight.methods import find_method, methods
from whylight.models.view import View

KINDS = {"classes": classifier, "clip": dual_encoder}
PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
QUICK = {"integrated_gradients": {"steps": 3}, "beyond_intuition": {"steps": 3}}


@cache
def view_of(kind: str) -> View:
    return KINDS[kind]()


def targets(kind: str, count: int) -> Tensor:
    if kind == "classes":
        return torch.arange(count) % 5
    return F.normalize(torch.randn(count, 16, generator=torch.Generator().manual_seed(2)), dim=-1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("count", [1, 3, 40])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", methods())
def test_under_autocast_maps_are_close(name: str, kind: str, count: int, dtype: torch.dtype) -> None:
    if count == 40 and name != "legrad":
        pytest.skip("many prompts go another way in LeGrad alone")
    view, asked = view_of(kind), targets(kind, count)
    options = QUICK.get(name, {})
    try:
        exact = whylight.relevance(view, PIXELS, asked, name, **options)
    except UnsupportedModel:
        pytest.skip(f"{name} is not defined here")
    with torch.autocast("cpu", dtype=dtype):
        maps = whylight.relevance(view, PIXELS, asked, name, **options)
    assert maps.dtype == torch.float32
    digits = 0.02 if dtype == torch.float16 else 0.15
    assert (maps - exact).abs().max() <= digits * exact.abs().max()
    if not find_method(name).autocast:
        assert maps.equal(exact)


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_under_autocast(kind: str) -> None:
    view, asked = view_of(kind), targets(kind, 3)
    exact = whylight.relevance(view, PIXELS, asked)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = whylight.methods.record_legrad(view, PIXELS).relevance(asked)
    assert (maps - exact).abs().max() < 0.08 * exact.abs().max()


@cache
def integers() -> View:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return whylight.wrap(torch.ao.quantization.quantize_dynamic(classifier().module, {nn.Linear}))


@pytest.mark.parametrize("name", methods())
def test_integers_give_no_gradients(name: str) -> None:
    view = integers()
    if find_method(name).gradient:
        with pytest.raises(UnsupportedModel, match=rf"^{name} asks for gradients.*blocks.0.attn.qkv.*rollout"):
            whylight.relevance(view, PIXELS, 0, name)
    elif name not in ("clip_surgery", "gem"):  # which are for dual encoders
        close = whylight.relevance(classifier(), PIXELS, 0, name)
        assert torch.allclose(whylight.relevance(view, PIXELS, 0, name), close, rtol=0.1)


def test_integers_are_recorded_by_nothing() -> None:
    with pytest.raises(UnsupportedModel, match="legrad asks for gradients"):
        whylight.methods.record_legrad(integers(), PIXELS)
