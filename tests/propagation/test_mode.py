"""The function mode: it changes no output, gives gradients as well as relevance, and refuses by name."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from zoo.explained import VIEWS
from zoo.perturb import perturbed

from whylight.errors import UnsupportedModel
from whylight.methods import relevance
from whylight.models.targets import as_targets
from whylight.models.timm.view import TimmView
from whylight.passes import relevance_pass
from whylight.passes.full_pass import full_pass
from whylight.passes.logit_gradients import logit_gradients
from whylight.passes.relevance_pass import RelevancePass
from whylight.propagation import CONSERVATIVE, propagation

X = torch.randn(2, 4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
WEIGHT = nn.Parameter(torch.randn(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


def went_back(function: Callable[[Tensor], Tensor], relevance: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The output under the mode, the relevance of X, and the gradient of X for the same seed."""
    mode = propagation(CONSERVATIVE)
    entering = mode.begin(X)
    with mode:
        output = function(entering)
    seed = torch.ones_like(output)[None] if relevance is None else relevance[None]
    (found,) = mode.flow.relevance_at([entering], output, seed)
    (gradient,) = mode.flow.gradient_at([entering], output, seed)
    return output, found[0], gradient[0]


UNCHANGED: dict[str, Callable[[Tensor], Tensor]] = {
    "layer norm": lambda x: F.layer_norm(x, (6,), WEIGHT[0], WEIGHT[1]),
    "RMS norm": lambda x: F.rms_norm(x, (6,), WEIGHT[0]),
    "RMS norm by hand": lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * WEIGHT[0],
    "unit length by hand": lambda x: x / x.norm(dim=-1, keepdim=True),
    "GELU": F.gelu,
    "QuickGELU": lambda x: x * torch.sigmoid(1.702 * x),
    "SiLU": nn.SiLU(),
    "tanh": nn.Tanh(),
    "softmax": lambda x: x.softmax(-1),
    "dropout": lambda x: F.dropout(x, 0.5, training=False),
    "layer scale and bias": lambda x: x * WEIGHT[0] + WEIGHT[1],
    "bias in place": lambda x: x.mul(2).add_(WEIGHT[1]),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_functions_that_hand_relevance_on_unchanged(name: str) -> None:
    output, found, gradient = went_back(UNCHANGED[name], X)
    x = X.clone().requires_grad_()
    plain = UNCHANGED[name](x)
    assert output.equal(plain)
    assert torch.allclose(found, X, rtol=1e-6)
    assert torch.allclose(gradient, torch.autograd.grad(plain, x, X)[0], rtol=1e-12, atol=1e-14)


def test_gates_share_evenly_and_positions_take_their_part() -> None:
    _, found, _ = went_back(lambda x: (lambda a, b: F.silu(a) * b)(*x.chunk(2, dim=-1)))
    assert torch.allclose(found, torch.full_like(X, 0.5))
    positions = WEIGHT[:4] + 5
    _, found, _ = went_back(lambda x: x + positions)
    assert (found.sum((1, 2)) < 24).all()  # of 24, and positions are no pixels
    _, found, _ = went_back(lambda x: x + WEIGHT[0])
    assert found.eq(1).all()  # a bias gets nothing


def test_means_share_by_value() -> None:
    _, found, _ = went_back(lambda x: x.mean(1))
    assert torch.allclose(found, X / X.sum(1, keepdim=True), rtol=1e-5)


REFUSED: dict[str, Callable[[Tensor], Tensor]] = {
    "cumsum": lambda x: x.cumsum(1),
    "einsum": lambda x: torch.einsum("bnd,dw->bnw", x, WEIGHT),
    "sub": lambda x: x - x.mean(1, keepdim=True),
    "div": lambda x: 1 / x,
    "pow": lambda x: x + 0.04 * x.pow(3),
    "in place": lambda x: (lambda y: y.add_(WEIGHT[:4]) + y)(x * 2),
    "__setitem__": lambda x: x.clone().__setitem__(0, x[1]),
    "linear": lambda x: F.linear(x, x[0]),
    "conv2d": lambda x: F.conv2d(x[:, None], torch.ones(1, 1, 2, 2).double()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rule_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedModel, match="relevance propagation") as error:
        went_back(REFUSED[name])
    assert "\n" not in str(error.value)
    assert name == "pow" or name in str(error.value)


@pytest.mark.parametrize("kind", [kind for kind in VIEWS if kind != "transformers deberta"])  # refused by its name
def test_outputs_are_the_models_own(kind: str) -> None:
    view, inputs, _ = VIEWS[kind]()
    with torch.no_grad():  # what is made of parameters alone, MPNet's positions among it, is constant
        run = view.begin(inputs)
    trace = RelevancePass(view, run, CONSERVATIVE, run.tokens, first=0)
    assert torch.allclose(trace.output, view.output(inputs), rtol=1e-12, atol=1e-13)


def test_gradients_are_the_models_own() -> None:
    view, inputs, targets = VIEWS["openclip class token"]()
    run = view.begin(inputs)
    trace = RelevancePass(view, run, CONSERVATIVE, run.tokens, first=0)
    chosen = as_targets(view, targets, 2)
    arrivals = list(trace.back(trace.start(chosen), trace.gradient(chosen)))
    (gradients,) = logit_gradients(full_pass(view, inputs), chosen)
    for arrival, (_, gradient) in zip(arrivals, gradients.from_last(), strict=True):
        assert torch.allclose(arrival.gradient, gradient, rtol=1e-9, atol=1e-12)


def test_attention_written_out_has_the_same_relevance() -> None:
    torch.manual_seed(0)
    model = perturbed(timm.models.VisionTransformer(img_size=16, patch_size=8, embed_dim=12, depth=2, num_heads=2))
    pixels = torch.randn(1, 3, 16, 16, dtype=torch.float64)
    fused = relevance(TimmView(model), pixels, [0, 1], "lrp", rules="conservative")
    for block in model.blocks:
        block.attn.fused_attn = False
    written_out = relevance(TimmView(model), pixels, [0, 1], "lrp", rules="conservative")
    assert (fused - written_out).abs().max() < 1e-5 * fused.abs().max()  # the stabiliser sees scaled queries
    with pytest.raises(UnsupportedModel, match="hides its attention"):
        relevance(TimmView(model), pixels, [0], "transformer_attribution")


def test_nothing_outlives_a_run() -> None:
    gc.collect()
    gc.disable()
    try:
        view, inputs, targets = VIEWS["timm class token"]()
        run = view.begin(inputs)
        trace = RelevancePass(view, run, CONSERVATIVE, run.tokens, first=0)
        list(trace.back(trace.start(as_targets(view, targets, 2))))
        left = weakref.ref(trace.stages[0].output)
        del trace, run
        assert left() is None  # freed at once, without the garbage collector
    finally:
        gc.enable()


def test_targets_that_do_not_fit_together_go_back_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    view, inputs, _ = VIEWS["openclip coca"]()
    targets = torch.randn(5, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together = relevance(view, inputs, targets, "transformer_attribution")
    tokens = view.begin(inputs).tokens
    two = 2 * relevance_pass._WIDEST * tokens.numel() * tokens.element_size()
    monkeypatch.setattr(relevance_pass, "RELEVANCE_BYTES", two)
    assert torch.allclose(relevance(view, inputs, targets, "transformer_attribution"), together, rtol=1e-9)
