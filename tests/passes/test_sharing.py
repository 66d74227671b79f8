"""Methods called one after the other on the same pictures share a pass, and their maps stay what they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from small_views import dual_encoder
from zoo.explained import VIEWS

from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.raw_maps import maps_of
from whylight.methods import relevance
from whylight.models.view import View
from whylight.passes.sharing import shared_passes

FULL = ("attention_cam", "chefercam", "gradcam", "grad_eclip", "raw_attention", "rollout")
UNDER_RULES = ("transformer_attribution", "relevance_rollout")


@contextmanager
def counted(view: View) -> Iterator[list[int]]:
    """How often pictures are cut into patches."""
    counts: list[int] = []
    handle = view.module.visual.conv1.register_forward_hook(lambda *_: counts.append(1))
    try:
        yield counts
    finally:
        handle.remove()


@pytest.mark.parametrize("names", [FULL, FULL[::-1], UNDER_RULES])
def test_one_encoding_serves_all_methods_of_a_kind(names: tuple[str, ...]):
    view, pixels, prompts = dual_encoder(), torch.randn(2, 3, 32, 32), torch.randn(3, 16)
    with shared_passes(), counted(view) as counts:
        for name in names:
            relevance(view, pixels, prompts, method=name)
        assert len(counts) == 1
        relevance(view, pixels.clone(), prompts, method=names[0])
        assert len(counts) == 2
    with counted(view) as counts:
        relevance(view, pixels, prompts, method=names[0])
        assert len(counts) == 1


def test_one_recording_serves_all_legrads_of_a_benchmark_and_one_split_all_contrasts():
    view, pixels, prompts = dual_encoder(), torch.randn(2, 3, 32, 32), torch.randn(2, 3, 16)
    for text in ("legrad,legrad:start_layer=-1,legrad:centered=true:score=dot", "decomposition,decomposition:heads=0"):
        choices = [choice for choice in parse_methods(text) if choice.method not in BASELINES]
        apart = [maps_of(choice, view, pixels, prompts, (4, 4), []) for choice in choices]
        with shared_passes(), counted(view) as counts:
            together = [maps_of(choice, view, pixels, prompts, (4, 4), []) for choice in choices]
        assert len(counts) == 1
        torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("order", [(False, True), (True, False)])
def test_passes_with_libras_gradients_and_without_are_apart(order: tuple[bool, bool]):
    case = VIEWS["openclip class token"]()
    alone = {libra: relevance(*case, method="chefercam", libra=libra) for libra in order}
    with shared_passes():
        for libra in order:
            torch.testing.assert_close(relevance(*case, method="chefercam", libra=libra), alone[libra])
    assert not torch.allclose(alone[True], alone[False])


@pytest.mark.parametrize("kind", ["openclip class token", "timm map", "timm mean"])
@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("attention_cam", "chefercam", "gradcam", "raw_attention", "rollout", *UNDER_RULES, "token_tm"), {}),
        (("chefercam", "rollout", *UNDER_RULES), {"start_layer": -1}),
    ],
)
def test_maps_are_the_same_with_and_without_sharing(kind: str, names: tuple[str, ...], options: dict[str, int]):
    case = VIEWS[kind]()
    alone = {name: relevance(*case, method=name, **options) for name in names}
    with shared_passes():
        relevance(*case, method="chefercam")
        for name in names:
            torch.testing.assert_close(relevance(*case, method=name, **options), alone[name], rtol=1e-12, atol=1e-14)
