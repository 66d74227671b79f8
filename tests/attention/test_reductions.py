"""The tiled reductions against whole maps, and how large a tensor they make."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from largest_tensor import LargestTensor
from torch import Tensor

from whylight.attention import AttentionCall, gradient_relevance, record_attention, tiles


def call_of(
    tokens: int = 7, batch: int = 2, heads: int = 3, dtype: torch.dtype = torch.float64, **arguments: Any
) -> AttentionCall:
    torch.manual_seed(0)
    query, key, value = (torch.randn(batch, heads, tokens, 8, dtype=dtype) for _ in range(3))
    with record_attention() as calls:
        F.scaled_dot_product_attention(query, key, value, **arguments)
    return calls[0]


def whole_map(call: AttentionCall, gradient: Tensor) -> Tensor:
    product = gradient @ call.value.transpose(-1, -2)
    allowed = call.allowed()
    return product if allowed is None else product * allowed


@pytest.mark.parametrize("tile_bytes", [1, 300, 2400, 2**20], ids=["a row", "rows", "two pictures", "all"])
@pytest.mark.parametrize("lead", [(), (2,)])
def test_gradient_relevance(monkeypatch: pytest.MonkeyPatch, tile_bytes: int, lead: tuple[int, ...]) -> None:
    for budget in (tiles.TILE_BYTES, tiles.TOGETHER_BYTES):
        monkeypatch.setitem(budget, "cpu", tile_bytes)
    call = call_of(batch=3)
    gradient = torch.randn(*lead, *call.output.shape, dtype=torch.float64)
    expected = whole_map(call, gradient).relu().mean((-3, -2))
    torch.testing.assert_close(gradient_relevance(call, gradient), expected, rtol=0, atol=1e-12)
    rows = slice(1, 4)
    expected = whole_map(call, gradient)[..., rows, :].relu().mean((-3, -2))
    torch.testing.assert_close(gradient_relevance(call, gradient, rows=rows), expected, rtol=0, atol=1e-12)


def test_forbidden_places_do_not_count() -> None:
    call = call_of(is_causal=True)
    gradient = torch.ones_like(call.output)
    relevance = gradient_relevance(call, gradient)
    expected = whole_map(call, gradient).tril().relu().mean((-3, -2))
    torch.testing.assert_close(relevance, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("together", [1, 2**20], ids=["one picture", "all"])
def test_padding_is_left_out_of_the_mean_and_of_the_keys(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setitem(tiles.TOGETHER_BYTES, "cpu", together)
    real = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
    call = call_of(attn_mask=real[:, None, None])
    gradient = torch.randn_like(call.output)
    relevance = gradient_relevance(call, gradient, query_mask=real)
    assert relevance[1, 4:].eq(0).all()
    short = AttentionCall(
        call.query[1:, :, :4],
        call.key[1:, :, :4],
        call.value[1:, :, :4],
        call.output[1:, :, :4],
        None,
        False,
        call.scale,
    )
    torch.testing.assert_close(relevance[1:, :4], gradient_relevance(short, gradient[1:, :, :4]), rtol=0, atol=1e-12)


def test_centred_rows_have_no_constant_part() -> None:
    call = call_of()
    gradient = torch.randn_like(call.output)
    product = whole_map(call, gradient)
    expected = (product - product.mean(-1, keepdim=True)).relu().mean((-3, -2))
    torch.testing.assert_close(gradient_relevance(call, gradient, centered=True), expected, rtol=0, atol=1e-12)


def test_half_precision_is_summed_in_float32() -> None:
    call = call_of(dtype=torch.bfloat16)
    assert gradient_relevance(call, torch.randn_like(call.output)).dtype == torch.float32


def test_largest_tensor_grows_with_the_tokens_not_with_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tiles.TILE_BYTES, "cpu", 64 * 2**10)
    largest = {}
    for tokens in (256, 1024):
        call = call_of(tokens=tokens, batch=1, dtype=torch.float32)
        with LargestTensor() as mode:
            gradient_relevance(call, torch.ones_like(call.output))
        largest[tokens] = mode.elements
    assert largest[1024] <= 4 * largest[256]
    assert largest[1024] < 1024 * 1024 // 8
