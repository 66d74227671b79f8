"""The Triton kernels against the tiles, on the device that Triton runs on here; test_kernels.py starts this file.

Triton decides when it is imported whether it interprets: hence a process of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import timm
import torch
import torch.nn.functional as F
from largest_tensor import LargestTensor
from torch import Tensor

import whylight
from whylight.attention import AttentionCall, gradient_relevance, kernels, record_attention
from whylight.attention.row_products import attention_rows, row_times_positive_gradient
from whylight.propagation.attention import row_times_relevance

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
DTYPES = [torch.float32, torch.float16] + [torch.bfloat16] * (not INTERPRETED)

Reduce = Callable[[AttentionCall, Tensor, Tensor], Tensor]
REDUCTIONS: dict[str, Reduce] = {
    "legrad": lambda call, g, row: gradient_relevance(call, g),
    "legrad, some rows": lambda call, g, row: gradient_relevance(call, g, rows=slice(3, 20)),
    "legrad, centred": lambda call, g, row: gradient_relevance(call, g, centered=True),
    "attention": lambda call, g, row: attention_rows(call, row),
    "chefercam": row_times_positive_gradient,
    "transformer attribution": lambda call, g, row: row_times_relevance(call, g.flip(0), row, g),
    "relevance without gradient": lambda call, g, row: row_times_relevance(call, g, row),
}


def call_of(dtype: torch.dtype, tokens: int, width: int, queries: int | None = None) -> AttentionCall:
    """Heads interleaved as a fused projection leaves them: no tensor is contiguous."""
    torch.manual_seed(0)
    fused = torch.randn(2, tokens, 3, 2, width, device=DEVICE).to(dtype)
    query, key, value = fused.permute(2, 0, 3, 1, 4)
    with record_attention() as calls:
        F.scaled_dot_product_attention(query[:, :, :queries], key, value)
    return calls[0]


@contextmanager
def tiles_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "usable", lambda *arguments: False)
        yield


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("tokens", "width"), [(7, 8), (70, 24), (37, 80), (33, 104)])
def test_kernels_give_what_tiles_give(name: str, dtype: torch.dtype, tokens: int, width: int) -> None:
    if dtype == torch.float32 and width > 64:
        pytest.skip("tiles run for float32 heads wider than 64")
    call = call_of(dtype, tokens, width)
    gradient = torch.randn(2, 2, tokens, 2, width, device=DEVICE).to(dtype).transpose(2, 3)
    row = torch.rand(2, 2, tokens, device=DEVICE)
    row[..., 0], row[..., -1] = 0, 0
    assert kernels.usable(call, gradient)
    found = REDUCTIONS[name](call, gradient, row)
    with tiles_only():
        expected = REDUCTIONS[name](call, gradient, row)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    torch.testing.assert_close(found, expected, rtol=2e-5, atol=float(2e-6 * expected.abs().max()))


@pytest.mark.parametrize("name", ["attention", "chefercam", "transformer attribution"])
def test_few_queries_and_one_target(name: str) -> None:
    call = call_of(torch.float32, 20, 16, queries=3)
    gradient, row = torch.randn_like(call.output)[None], torch.rand(2, 3, device=DEVICE)
    found = REDUCTIONS[name](call, gradient, row)
    with tiles_only():
        expected = REDUCTIONS[name](call, gradient, row)
    torch.testing.assert_close(found, expected, rtol=2e-5, atol=1e-6)


def test_a_row_of_zeros_stays_zero() -> None:
    call = call_of(torch.float32, 20, 16)
    assert attention_rows(call, torch.zeros(2, 20, device=DEVICE)).eq(0).all()


def test_large_scores_do_not_overflow() -> None:
    call = call_of(torch.float32, 20, 16)
    huge = AttentionCall(call.query * 100, call.key, call.value, call.output, None, False, 1.0)
    row = torch.rand(2, 20, device=DEVICE)
    found = attention_rows(huge, row)
    with tiles_only():
        expected = attention_rows(huge, row)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["legrad", "chefercam", "transformer attribution"])
def test_no_tensor_holds_tokens_times_tokens(name: str) -> None:
    tokens = 200
    call = call_of(torch.float32, tokens, 16)
    gradient, row = torch.randn_like(call.output)[None], torch.ones(2, tokens, device=DEVICE)
    with LargestTensor() as mode:
        REDUCTIONS[name](call, gradient, row)
    assert mode.size <= call.query.untyped_storage().nbytes() < 4 * tokens * tokens


@pytest.mark.parametrize("method", ["legrad", "chefercam", "transformer_attribution", "rollout", "raw_attention"])
def test_methods(method: str) -> None:
    torch.manual_seed(0)
    module = timm.models.VisionTransformer(img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2, num_classes=5)
    view = whylight.wrap(module.eval().to(DEVICE))
    pixels = torch.randn(2, 3, 32, 32, device=DEVICE)
    found = whylight.relevance(view, pixels, [0, 3], method=method)
    with tiles_only():
        expected = whylight.relevance(view, pixels, [0, 3], method=method)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=float(1e-5 * expected.abs().max()))
