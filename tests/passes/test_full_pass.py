"""Gradients of all layers from a graph that is held, and from one that is built again block by block."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor
from zoo.explained import VIEWS

from whylight.methods import relevance
from whylight.models.targets import as_targets
from whylight.passes import full_pass as full_pass_module
from whylight.passes import logit_gradients as logit_gradients_module
from whylight.passes.full_pass import full_pass
from whylight.passes.logit_gradients import logit_gradients
from whylight.propagation.libra import libra_gradients

METHODS = ["chefercam", "beyond_intuition", "token_tm", "rollout"]


@pytest.fixture
def no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(full_pass_module.GRAPH_BYTES, "cpu", 0)


@cache
def held(name: str, kind: str) -> Tensor:
    return relevance(*VIEWS[kind](), name)


@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("name", METHODS)
def test_block_by_block_gives_the_same(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    expected = held(name, kind)
    request.getfixturevalue("no_graph")
    found = relevance(*VIEWS[kind](), name)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("together", [1, 10**9])
def test_targets_in_chunks(together: int, no_graph: None, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = held("chefercam", "timm class token")
    monkeypatch.setattr(logit_gradients_module, "GRADIENT_BYTES", together)
    torch.testing.assert_close(relevance(*VIEWS["timm class token"](), "chefercam"), expected, rtol=1e-9, atol=1e-12)


def test_a_later_start_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    case = VIEWS["timm class token"]()
    expected = relevance(*case, "chefercam", start_layer=-1)
    monkeypatch.setitem(full_pass_module.GRAPH_BYTES, "cpu", 0)
    torch.testing.assert_close(relevance(*case, "chefercam", start_layer=-1), expected, rtol=1e-9, atol=1e-12)


def test_other_gradients_reach_blocks_that_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    case = VIEWS["timm class token"]()
    with libra_gradients():
        expected = relevance(*case, "chefercam")
        monkeypatch.setitem(full_pass_module.GRAPH_BYTES, "cpu", 0)
        torch.testing.assert_close(relevance(*case, "chefercam"), expected, rtol=1e-9, atol=1e-12)


def test_nothing_holds_a_graph(no_graph: None) -> None:
    view, inputs, targets = VIEWS["timm class token"]()
    full = full_pass(view, inputs)
    assert not full.output.requires_grad
    assert all(block.call.value.grad_fn is None for block in full.blocks)
    for gradients in logit_gradients(full, as_targets(view, targets, len(inputs))):
        for call, gradient in gradients.from_last():
            assert not any(held.requires_grad for held in (gradient, *call.tensors()))
