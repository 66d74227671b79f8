"""Row products in tiles against whole maps, and how large a tensor they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from largest_tensor import LargestTensor
from torch import Tensor

from whylight.attention import AttentionCall, record_attention, tiles
from whylight.attention.absolute_products import sum_of_absolute_products
from whylight.attention.heads import rollout_step, rows_of_heads
from whylight.attention.row_products import (
    attention_rows,
    gradient_rows,
    row_times_attention,
    row_times_means,
    row_times_positive_gradient,
    value_gradients,
)

PADDING = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])[:, None, None]
MASKS: dict[str, dict[str, Any]] = {
    "none": {},
    "causal": {"is_causal": True},
    "padding": {"attn_mask": PADDING},
    "both": {"attn_mask": PADDING & torch.ones(7, 7, dtype=torch.bool).tril()},
}


def call_of(
    tokens: int = 7, batch: int = 2, dtype: torch.dtype = torch.float64, queries: int | None = None, **arguments: Any
) -> AttentionCall:
    torch.manual_seed(0)
    query, key, value = (torch.randn(batch, 3, tokens, 8, dtype=dtype) for _ in range(3))
    with record_attention() as calls:
        F.scaled_dot_product_attention(query[:, :, :queries], key, value, **arguments)
    return calls[0]


def whole_maps(call: AttentionCall, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """A and ∂s/∂A, by autograd through a map written out."""
    scores = (call.query @ call.key.transpose(-1, -2)) * call.scale
    allowed = call.allowed()
    attention = (scores if allowed is None else scores.masked_fill(~allowed, -torch.inf)).softmax(-1).detach()
    kept = torch.ones_like(attention) if allowed is None else allowed.expand_as(attention).to(attention.dtype)
    leaf = attention.expand_as(gradient @ call.value.transpose(-1, -2)).clone().requires_grad_()
    ((leaf * kept) @ call.value).backward(gradient)
    assert leaf.grad is not None
    return attention, leaf.grad


@pytest.fixture(params=[1, 900, 2**20])
def tiles_of_some_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for budget in (tiles.TILE_BYTES, tiles.TOGETHER_BYTES):
        monkeypatch.setitem(budget, "cpu", request.param)


Reduce = Callable[[AttentionCall, Tensor, Tensor], Tensor]
Written = Callable[[Tensor, Tensor, Tensor], Tensor]

ROWS: dict[str, tuple[Reduce, Written]] = {
    "attention of each head": (
        lambda call, g, row: attention_rows(call, row),
        lambda a, g, row: (row[..., None, None, :] @ a).squeeze(-2),
    ),
    "attention": (
        lambda call, g, row: row_times_attention(call, row),
        lambda a, g, row: (row[..., None, :] @ a.mean(1)).squeeze(-2),
    ),
    "gradient of each head": (gradient_rows, lambda a, g, row: (row[..., None, None, :] @ g).squeeze(-2)),
    "positive gradient": (
        row_times_positive_gradient,
        lambda a, g, row: (row[..., None, :] @ (a * g).relu().mean(-3)).squeeze(-2),
    ),
    "means": (row_times_means, lambda a, g, row: (row[..., None, :] @ (a.mean(1) * g.relu().mean(-3))).squeeze(-2)),
}


@pytest.mark.usefixtures("tiles_of_some_size")
@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str, mask: str, lead: tuple[int, ...]) -> None:
    call = call_of(**MASKS[mask])
    gradient = torch.randn(*lead, *call.output.shape, dtype=torch.float64)
    row = torch.rand(*lead, 2, 7, dtype=torch.float64)
    row[..., 0], row[..., 6] = 0, 0
    reduce, written_out = ROWS[name]
    expected = written_out(*whole_maps(call, gradient), row)
    torch.testing.assert_close(reduce(call, gradient, row), expected, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("tiles_of_some_size")
@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("mask", MASKS)
def test_value_gradients_are_autograds(mask: str, lead: tuple[int, ...]) -> None:
    call = call_of(**MASKS[mask])
    gradient = torch.randn(*lead, *call.output.shape, dtype=torch.float64)
    row = torch.rand(*lead, 2, 7, dtype=torch.float64)
    row[..., 0], row[..., 6] = 0, 0
    value = call.value.expand(*lead, *call.value.shape).clone().requires_grad_()
    output = F.scaled_dot_product_attention(call.query, call.key, value, **MASKS[mask])
    output.backward(gradient * row[..., None, :, None])
    torch.testing.assert_close(value_gradients(call, gradient, row), value.grad, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("tiles_of_some_size")
@pytest.mark.parametrize("mask", MASKS)
def test_sum_of_absolute_products(mask: str) -> None:
    call = call_of(**MASKS[mask])
    gradient = torch.randn(2, *call.output.shape, dtype=torch.float64)
    attention, of_map = whole_maps(call, gradient)
    expected = (attention.transpose(-1, -2) @ of_map).abs().sum((-2, -1))
    torch.testing.assert_close(sum_of_absolute_products(call, gradient), expected, rtol=1e-12, atol=0)


def test_the_few_queries_of_a_pooler() -> None:
    call = call_of(queries=2)
    gradient = torch.randn(2, *call.output.shape, dtype=torch.float64)
    attention, of_map = whole_maps(call, gradient)
    expected = (attention.transpose(-1, -2) @ of_map).abs().sum((-2, -1))
    torch.testing.assert_close(sum_of_absolute_products(call, gradient), expected, rtol=1e-12, atol=0)
    row = torch.rand(2, 2, dtype=torch.float64)
    for reduce, as_written in ROWS.values():
        found = reduce(call, gradient, row)
        torch.testing.assert_close(found, as_written(attention, of_map, row).expand_as(found), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["positive gradient", "means"])
def test_targets_share_the_rows_of_attention(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiles.TILE_BYTES, "cpu", 900)
    call, computed, plain = call_of(dtype=torch.float32), [], AttentionCall.attention

    def counting(self: AttentionCall, rows: slice = slice(None)) -> Tensor:
        computed.append(rows)
        return plain(self, rows)

    monkeypatch.setattr(AttentionCall, "attention", counting)
    ROWS[name][0](call, torch.randn(5, *call.output.shape), torch.rand(5, 2, 7))
    of_five, computed[:] = len(computed), []
    ROWS[name][0](call, torch.randn(*call.output.shape), torch.rand(2, 7))
    assert 1 < of_five == len(computed)


def test_a_row_of_zeros_stays_zero() -> None:
    call = call_of()
    assert row_times_attention(call, torch.zeros(2, 7, dtype=torch.float64)).eq(0).all()


def test_no_graph_grows() -> None:
    call = call_of()
    for tensor in (call.query, call.key, call.value):
        tensor.requires_grad_()
    row = torch.rand(2, 7, dtype=torch.float64)
    for reduce, _ in ROWS.values():
        assert not reduce(call, torch.ones_like(call.output), row).requires_grad


@pytest.mark.parametrize("name", [*ROWS, "likeness"])
def test_largest_tensor_grows_with_the_tokens_not_with_their_square(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiles.TILE_BYTES, "cpu", 64 * 2**10)
    largest = {}
    for tokens in (256, 1024):
        call = call_of(tokens=tokens, batch=1, dtype=torch.float32)
        row = torch.ones(1, tokens)
        with LargestTensor() as mode:
            if name == "likeness":
                sum_of_absolute_products(call, torch.ones_like(call.output))
            else:
                ROWS[name][0](call, torch.ones_like(call.output), row)
        largest[tokens] = mode.elements
    assert largest[1024] <= 4 * largest[256]
    assert largest[1024] < 1024 * 1024 // 8


@pytest.mark.usefixtures("tiles_of_some_size")
@pytest.mark.parametrize("mask", MASKS)
def test_the_strongest_head_of_each_place(mask: str) -> None:
    call = call_of(**MASKS[mask])
    row = torch.rand(2, 7, dtype=torch.float64)
    strongest = call.attention().amax(1)
    found = rows_of_heads(call, row, "max")
    torch.testing.assert_close(found, (row[:, None] @ strongest)[:, 0], rtol=0, atol=1e-12)
    with_identity = strongest + torch.eye(7, dtype=torch.float64)
    through = (row[:, None] @ (with_identity / with_identity.sum(-1, keepdim=True)))[:, 0]
    torch.testing.assert_close(rollout_step(call, row, "max"), through, rtol=0, atol=1e-12)
    of_heads = torch.rand(2, 3, 7, dtype=torch.float64)
    each = (of_heads + (of_heads[:, :, None] @ call.attention())[:, :, 0]) / 2
    torch.testing.assert_close(rollout_step(call, of_heads, "all"), each, rtol=0, atol=1e-12)
