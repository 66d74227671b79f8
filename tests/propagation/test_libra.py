"""LibraGrad's rules one by one, and that they reach every model."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from zoo.explained import VIEWS

from whylight.errors import BadInput, UnknownName
from whylight.methods import relevance
from whylight.models.view import View
from whylight.propagation.libra import libra_gradients, libra_is_active

x0 = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
WEIGHT, BIAS = torch.linspace(0.5, 2, 6, dtype=torch.float64), torch.linspace(-1, 1, 6, dtype=torch.float64)
ATTENTION = nn.MultiheadAttention(6, 2, batch_first=True).double().eval()


def self_attention(x: Tensor) -> Tensor:
    heads = x.unflatten(-1, (2, 3)).transpose(1, 2)
    return F.scaled_dot_product_attention(heads, heads, heads, is_causal=True)


def self_attention_constant(x: Tensor) -> Tensor:
    heads = x.unflatten(-1, (2, 3)).transpose(1, 2)
    scores = heads @ heads.transpose(-1, -2) * 3**-0.5
    weights = scores.masked_fill(~torch.ones(5, 5, dtype=torch.bool).tril(), -torch.inf).softmax(-1)
    return weights.detach() @ heads


def multi_head_constant(x: Tensor) -> Tensor:
    projected = F.linear(x, ATTENTION.in_proj_weight, ATTENTION.in_proj_bias).chunk(3, dim=-1)
    q, k, v = (part.unflatten(-1, (2, 3)).transpose(1, 2) for part in projected)
    weights = (q @ k.transpose(-1, -2) * 3**-0.5).softmax(-1).detach()
    return ATTENTION.out_proj((weights @ v).transpose(1, 2).flatten(2))


Rule = tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]

RULES: dict[str, Rule] = {
    "layer norm": (
        lambda x: F.layer_norm(x, (6,), WEIGHT, BIAS, 1e-6),
        lambda x: (
            (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-6).sqrt().detach() * WEIGHT
            + BIAS
        ),
    ),
    "layer norm without weights": (
        lambda x: F.layer_norm(x, normalized_shape=(6,), eps=1e-3),
        lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, correction=0, keepdim=True) + 1e-3).sqrt().detach(),
    ),
    "RMS norm": (
        lambda x: F.rms_norm(x, (6,), WEIGHT, 1e-6),
        lambda x: x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt().detach() * WEIGHT,
    ),
    "RMS norm by hand": (
        lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6),
        lambda x: x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt().detach(),
    ),
    "L2 norm": (lambda x: F.normalize(x, dim=-1), lambda x: x / x.norm(dim=-1, keepdim=True).detach()),
    "GELU": (F.gelu, lambda x: x * torch.special.ndtr(x).detach()),
    "GELU by tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: x * (F.gelu(x, approximate="tanh") / x).detach(),
    ),
    "SiLU": (F.silu, lambda x: x * torch.sigmoid(x).detach()),
    "QuickGELU": (lambda x: x * torch.sigmoid(1.702 * x), lambda x: x * torch.sigmoid(1.702 * x).detach()),
    "SwiGLU": (
        lambda x: F.silu(x[..., :3]) * x[..., 3:],
        lambda x: (
            x[..., :3] * torch.sigmoid(x[..., :3]).detach() * x[..., 3:].detach() / 2
            + F.silu(x[..., :3]).detach() * x[..., 3:] / 2
        ),
    ),
    "layer scale": (lambda x: x * nn.Parameter(WEIGHT), lambda x: x * WEIGHT),
    "attention": (self_attention, self_attention_constant),
    "attention module": (lambda x: ATTENTION(x, x, x, need_weights=False)[0], multi_head_constant),
    "attention by hand": (
        lambda x: (x @ x.transpose(-1, -2)).softmax(-1) @ x,
        lambda x: (x @ x.transpose(-1, -2)).softmax(-1).detach() @ x,
    ),
}


def gradient(function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    x = x0.clone().requires_grad_()
    output = function(x)
    direction = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return output.detach(), torch.autograd.grad((output * direction).sum(), x)[0]


@pytest.mark.parametrize("name", RULES)
def test_values_stay_and_derivatives_hold_factors_constant(name: str) -> None:
    function, written_out = RULES[name]
    plain_value, plain = gradient(function)
    expected_value, expected = gradient(written_out)
    with libra_gradients():
        value, found = gradient(function)
    torch.testing.assert_close(value, plain_value, rtol=0, atol=1e-12)
    torch.testing.assert_close(expected_value, plain_value, rtol=0, atol=1e-12)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    if name != "layer scale":
        assert (found - plain).abs().max() > 1e-3


@pytest.mark.parametrize("kind", VIEWS)
def test_outputs_of_models_stay(kind: str) -> None:
    view, inputs, _ = VIEWS[kind]()
    plain = view.output(inputs)
    with libra_gradients():
        torch.testing.assert_close(view.output(inputs), plain, rtol=1e-10, atol=1e-10)
    assert not libra_is_active()


def homogeneity(view: View, pixels: Tensor) -> float:
    """A model without biases is, with all factors constant, linear in its tokens: output = Σ tokens * gradient."""
    with torch.no_grad():
        for name, parameter in view.module.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    with libra_gradients():
        run = view.begin(pixels)
        tokens = run.tokens.detach().requires_grad_()
        current = tokens
        for block in run.blocks:
            current = block(current)
        output = run.readout(current)[:, 0].sum()
        (found,) = torch.autograd.grad(output, tokens)
    return ((found * tokens).sum() / output - 1).abs().item()


@pytest.mark.parametrize(
    "kind", ["openclip class token", "timm class token", "timm mean", "timm rotary", "transformers dinov2"]
)
def test_constant_factors_make_models_linear(kind: str) -> None:
    view, pixels, _ = VIEWS[kind]()
    assert homogeneity(view, pixels) < 1e-9


def test_legrad_leaves_its_closed_form() -> None:
    view, pixels, targets = VIEWS["openclip class token"]()
    maps = relevance(view, pixels, targets, "legrad", libra=True)
    assert torch.equal(maps, relevance(view, pixels, targets, "legrad", libra=True, road="general"))
    plain = relevance(view, pixels, targets, "legrad")
    assert (maps - plain).abs().max() > 0.01 * plain.max()
    with pytest.raises(BadInput, match="libra"):
        relevance(view, pixels, targets, "legrad", libra=True, road="closed_form")


@pytest.mark.parametrize("name", ["rollout", "raw_attention"])
def test_methods_without_gradients_refuse(name: str) -> None:
    view, pixels, targets = VIEWS["timm class token"]()
    with pytest.raises(UnknownName, match="libra"):
        relevance(view, pixels, targets, name, libra=True)


def test_scores_of_positions_are_a_constant_factor_too() -> None:
    """As DeBERTa has them: a mask that depends on the tokens."""

    def attend(x: Tensor, *, constant: bool) -> Tensor:
        heads = x.unflatten(-1, (2, 3)).transpose(1, 2)
        bias = heads @ heads.sin().transpose(-1, -2)
        if not constant:
            return F.scaled_dot_product_attention(heads, heads, heads, bias)
        weights = (heads @ heads.transpose(-1, -2) * 3**-0.5 + bias).softmax(-1)
        return weights.detach() @ heads

    x = x0.clone().requires_grad_()
    with libra_gradients():
        output = attend(x, constant=False)
    (gradient,) = torch.autograd.grad(output.cos().sum(), x)
    (expected,) = torch.autograd.grad(attend(x, constant=True).cos().sum(), x)
    assert (gradient - expected).abs().max() < 1e-12
