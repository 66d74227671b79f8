"""Embed, blocks and readout = the model's own forward, for every kind of model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from zoo import ZOO, Built, own_output

import whylight
from whylight.attention import record_attention
from whylight.errors import UnsupportedModel

KINDS = pytest.mark.parametrize("build", ZOO.values(), ids=ZOO.keys())


@KINDS
@torch.no_grad()
def test_driven_forward_is_the_models_own(build: Callable[[], Built]) -> None:
    model, pixels = build()
    view = whylight.wrap(model)
    own = own_output(model, pixels)
    if own.dim() == 3:  # nothing is pooled: read at the class token, or at the mean of the patches
        own = own[:, 0] if view.pooling == "class_token" else own.mean(1)
    driven = view.output(pixels)
    assert driven.shape == own.shape == (2, own.shape[-1])
    assert (driven - own).abs().max() < 1e-10
    assert own.std() > 1e-3, "a model whose outputs are all alike would prove nothing"


@KINDS
@torch.no_grad()
def test_recording_changes_nothing_and_sees_one_call_for_each_block(build: Callable[[], Built]) -> None:
    model, pixels = build()
    own = own_output(model, pixels)
    with record_attention() as calls:
        recorded = own_output(model, pixels)
    assert (recorded - own).abs().max() < 1e-12

    view = whylight.wrap(model)
    run = view.begin(pixels)
    tokens = run.tokens
    for block in run.blocks:
        with record_attention() as calls:
            tokens = block(tokens)
        assert [(call.queries, call.keys) for call in calls] == [(tokens.shape[1], tokens.shape[1])]
    assert tokens.shape[1] == run.prefix + run.grid[0] * run.grid[1]
    assert len(run.blocks) == 3


@KINDS
@torch.no_grad()
def test_attentional_poolers_name_what_they_read(build: Callable[[], Built]) -> None:
    model, pixels = build()
    view = whylight.wrap(model)
    run = view.begin(pixels)
    assert (run.attention_pool is not None) == (view.pooling == "attention")
    assert (run.readout_row is not None) == (view.pooling == "class_token" and not hasattr(model, "head_dist"))
    if run.attention_pool is None:
        return
    for way in (run.attention_pool.published, run.attention_pool.model):
        with record_attention() as calls:
            output = way(run.tokens)
        (call,) = calls
        assert output.shape == run.readout(run.tokens).shape
        assert call.keys == run.attention_pool.prefix + run.grid[0] * run.grid[1]
        assert len(range(call.queries)[run.attention_pool.rows]) >= 1
    assert (run.attention_pool.model(run.tokens) - run.readout(run.tokens)).abs().max() < 1e-12


@KINDS
def test_relevance_of_every_kind(build: Callable[[], Built]) -> None:
    """LeGrad of two targets: the right shape, of something, and the model is what it was."""
    model, pixels = build()
    before = fingerprint(model)
    view = whylight.wrap(model)
    dim = view.output(pixels).shape[1]
    targets = [1, 3] if view.classifies else torch.eye(dim, dtype=torch.float64)[:2]
    maps = whylight.relevance(view, pixels, targets)
    grid = view.begin(pixels).grid
    assert maps.shape == (2, 2, grid[0] * grid[1])
    assert (maps >= 0).all()
    assert (maps.std(-1) > 0).all()
    assert fingerprint(model) == before


@KINDS
def test_row_of_a_batch_is_that_picture_alone(build: Callable[[], Built]) -> None:
    model, pixels = build()
    view = whylight.wrap(model)
    with torch.no_grad():
        assert (view.output(pixels[1:]) - view.output(pixels)[1:]).abs().max() < 1e-10


def fingerprint(model: nn.Module) -> object:
    """What an explanation must leave alone."""

    def tensor(value: Tensor) -> tuple[object, ...]:
        return id(value), value._version, value.requires_grad, value.grad is None, tuple(value.shape)

    return (
        [(name, tensor(value)) for name, value in model.named_parameters()],
        [(name, tensor(value)) for name, value in model.named_buffers()],
        [
            (
                (name, part.training, type(part)),
                [key for key in vars(part) if not key.startswith("_")],
                [len(hooks) for key, hooks in vars(part).items() if key.endswith("_hooks")],
            )
            for name, part in model.named_modules()
        ],
    )


@pytest.mark.parametrize("kind", ["openclip QuickGELU", "timm ViT", "timm EVA-02", "timm BEiT"])
def test_gradient_checkpointing_is_bypassed(kind: str) -> None:
    """Checkpointed blocks are recomputed in the backward pass, outside any recording: blocks are driven without it."""
    model, pixels = ZOO[kind]()
    view = whylight.wrap(model)
    targets = 1 if view.classifies else torch.ones(1, 16, dtype=torch.float64)
    plain = whylight.relevance(view, pixels, targets, road="general")
    getattr(model, "visual", model).set_grad_checkpointing(True)
    assert torch.equal(whylight.relevance(view, pixels, targets, road="general"), plain)


@pytest.mark.parametrize("kind", ["openclip QuickGELU", "timm ViT"])
def test_blocks_compiled_in_place(kind: str) -> None:
    model, pixels = ZOO[kind]()
    view = whylight.wrap(model)
    targets = 1 if view.classifies else torch.ones(1, 16, dtype=torch.float64)
    plain = whylight.relevance(view, pixels, targets, road="general")
    for part in model.modules():
        if type(part).__name__ in ("Block", "ResidualAttentionBlock"):
            part.compile(backend="eager")

    def on_both_roads() -> None:
        for road in ("general", None):
            torch.testing.assert_close(whylight.relevance(view, pixels, targets, road=road), plain)

    # In a compiled block nn.MultiheadAttention makes no call that one could see: in torch 2.6 without gradients (the
    # second road), in 2.9 on the first road already, in 2.14 it makes it. Refused, never wrong.
    if kind.startswith("openclip") and torch.__version__ < (2, 10):
        with pytest.raises(UnsupportedModel, match="layer 0 hides its attention"):
            on_both_roads()
    else:
        on_both_roads()
