"""The closed form of LeGrad against autograd."""

from __future__ import annotations

import gc
import weakref

import open_clip
import pytest
import timm
import torch
from oracle_files import relative_difference
from torch import Tensor, nn

from whylight.errors import BadInput
from whylight.methods import record_legrad, relevance
from whylight.methods.legrad import layer_sum, prepared
from whylight.models.openclip.view import OpenClipView
from whylight.models.timm.view import TimmView
from whylight.models.view import View

VISION = {"image_size": 32, "layers": 3, "width": 48, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 12, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1}


def openclip(**options: object) -> OpenClipView:
    quick_gelu = options.pop("quick_gelu", False)
    return OpenClipView(perturbed(open_clip.CLIP(24, {**VISION, **options}, TEXT, quick_gelu=quick_gelu)))


def classifier(**options: object) -> TimmView:
    shape = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 3, "num_classes": 5}
    return TimmView(perturbed(timm.models.VisionTransformer(**{**shape, **options})))


def perturbed(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return model.double().eval()


MODELS = {
    "openclip": openclip,
    "openclip QuickGELU": lambda: openclip(quick_gelu=True),
    "openclip layer scale": lambda: openclip(ls_init_value=0.5),
    "openclip average": lambda: openclip(pool_type="avg", final_ln_after_pool=True),
    "timm": classifier,
    "timm average": lambda: classifier(global_pool="avg"),
    "timm layer scale, no biases": lambda: classifier(init_values=0.5, qkv_bias=False, proj_bias=False),
    "timm registers": lambda: classifier(reg_tokens=4),
    "timm tanh GELU": lambda: classifier(act_layer="gelu_tanh"),
    "timm features": lambda: classifier(num_classes=0),
}
PIXELS = torch.randn(2, 3, 32, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def targets_of(view: View) -> Tensor:
    if view.classifies:
        return torch.tensor([[0, 3, 1], [4, 2, 0]])
    return torch.randn(
        3, view.output(PIXELS).shape[-1], dtype=torch.float64, generator=torch.Generator().manual_seed(2)
    )


@pytest.mark.parametrize("pooling", [None, "mean", "patches"])
@pytest.mark.parametrize("name", MODELS)
def test_both_roads_agree(name: str, pooling: str | None) -> None:
    view = MODELS[name]()
    for options in ({}, {"centered": True, "start_layer": -2}, {"score": "dot"}):
        general, closed = (
            relevance(view, PIXELS, targets_of(view), pooling=pooling, road=road, **options)
            for road in ("general", "closed_form")
        )
        assert relative_difference(closed, general) < 1e-10


def test_prepared_products_and_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    view = openclip()
    before = relevance(view, PIXELS, targets_of(view), road="closed_form")
    for _ in range(20):
        after = relevance(view, PIXELS, targets_of(view), road="closed_form")
    assert prepared._PREPARED[view.module].products
    assert relative_difference(after, before) < 1e-12
    monkeypatch.setattr(prepared, "CHUNK_BYTES", 1)
    assert relative_difference(relevance(view, PIXELS, targets_of(view), road="closed_form"), before) < 1e-12


def test_layers_that_wait_for_one_another_give_what_they_give_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    view = openclip()
    ways: list[int] = []
    original = layer_sum.seeds_of
    monkeypatch.setattr(layer_sum, "seeds_of", lambda *args: (ways.append(1), original(*args))[1])
    together = relevance(view, PIXELS, targets_of(view), road="closed_form")
    assert len(ways) == 1  # all layers, once through the head
    monkeypatch.setattr(layer_sum, "SEEDS", 3)
    one_by_one = relevance(view, PIXELS, targets_of(view), road="closed_form")
    assert len(ways) == 1 + len(view.pre_norm_blocks())
    monkeypatch.setattr(layer_sum, "WAITING_BYTES", 1)
    alone = relevance(view, PIXELS, targets_of(view), road="closed_form")
    assert relative_difference(one_by_one, together) < 1e-12
    assert relative_difference(alone, together) < 1e-12


@pytest.mark.parametrize("count", [1, 3])
def test_float32_is_as_close_as_its_digits_allow(count: int) -> None:
    view = openclip()
    targets = targets_of(view)[:count]
    exact = relevance(view, PIXELS, targets, road="general")
    view.module.float()
    for _ in range(20):
        rounded = relevance(view, PIXELS.float(), targets.float(), road="closed_form")
    assert rounded.dtype == torch.float32
    assert bool(prepared._PREPARED[view.module].products) == (count > 1)
    assert relative_difference(rounded.double(), exact) < 1e-5


@pytest.mark.parametrize("count", [1, 3])
def test_autocast_is_as_close_as_its_digits_allow(count: int) -> None:
    view = openclip()
    view.module.float()
    targets = targets_of(view)[:count].float()
    exact = relevance(view, PIXELS.float(), targets, road="general")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(20):
            rounded = relevance(view, PIXELS.float(), targets, road="closed_form")
        asked_later = record_legrad(view, PIXELS.float()).relevance(targets)
    assert bool(prepared._PREPARED[view.module].products)
    assert relative_difference(rounded.double(), exact.double()) < 0.03
    assert relative_difference(asked_later.double(), exact.double()) < 0.03


def test_prepared_products_follow_the_weights_and_go_with_the_model() -> None:
    view = openclip()
    for _ in range(20):
        relevance(view, PIXELS, targets_of(view))
    with torch.no_grad():
        view.visual.transformer.resblocks[1].attn.out_proj.weight.mul_(1.5)
    general, closed = (relevance(view, PIXELS, targets_of(view), road=road) for road in ("general", "closed_form"))
    assert relative_difference(closed, general) < 1e-10
    model = weakref.ref(view.module)
    del view
    gc.collect()
    assert model() is None


def test_the_closed_form_is_taken_where_it_holds_and_refused_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    original = layer_sum.relevance_of_layers
    monkeypatch.setattr(
        "whylight.methods.legrad.legrad.relevance_of_layers",
        lambda *args, **kwargs: (taken.append(True), original(*args, **kwargs))[1],
    )
    relevance(openclip(), PIXELS, torch.randn(1, 24))
    assert taken
    with pytest.raises(BadInput, match="closed form"):
        relevance(openclip(), PIXELS, torch.randn(1, 24), road="closed_form", pooling="class_token")
    pooled = classifier(global_pool="map", class_token=False)
    with pytest.raises(BadInput, match="closed form"):
        relevance(pooled, PIXELS, 0, road="closed_form")
