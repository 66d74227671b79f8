"""Recording attention changes nothing, misses nothing, and sees only its own thread."""

from __future__ import annotations

import itertools
import threading

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whylight.attention import record_attention

BATCH, TOKENS, WIDTH, HEADS = 2, 5, 16, 4


def causal(tokens: int) -> Tensor:
    return torch.triu(torch.full((tokens, tokens), -torch.inf, dtype=torch.float64), 1)


ATTENTION_MASKS = {
    "none": None,
    "float": causal(TOKENS),
    "bool": causal(TOKENS).isinf(),
    "per head": torch.randn(
        BATCH * HEADS, TOKENS, TOKENS, dtype=torch.float64, generator=torch.Generator().manual_seed(3)
    ),
}
PADDING_MASKS = {"none": None, "two padded": torch.tensor([[False] * 5, [False] * 3 + [True] * 2])}


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("attention_mask", ATTENTION_MASKS)
@pytest.mark.parametrize("padding_mask", PADDING_MASKS)
def test_multihead_attention_is_what_it_was(
    batch_first: bool, need_weights: bool, attention_mask: str, padding_mask: str
) -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=batch_first).double().eval()
    nn.init.normal_(module.in_proj_bias)
    x = torch.randn(BATCH, TOKENS, WIDTH, dtype=torch.float64)
    x = x if batch_first else x.transpose(0, 1)
    arguments = {
        "need_weights": need_weights,
        "attn_mask": ATTENTION_MASKS[attention_mask],
        "key_padding_mask": PADDING_MASKS[padding_mask],
    }
    expected, weights = module(x, x, x, **arguments)
    with record_attention() as calls:
        output, recorded_weights = module(x, x, x, **arguments)
    assert len(calls) == 1
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    if need_weights:
        torch.testing.assert_close(recorded_weights, weights, rtol=0, atol=1e-12)
        torch.testing.assert_close(calls[0].attention().mean(1), weights, rtol=0, atol=1e-12)
    else:
        assert recorded_weights is None


@pytest.mark.parametrize(
    "options",
    [{"kdim": 12, "vdim": 20}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"bias": False}],
    ids=lambda options: next(iter(options)),
)
def test_projections_of_every_kind(options: dict[str, int]) -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, **options).double().eval()
    query = torch.randn(BATCH, 3, WIDTH, dtype=torch.float64)
    key = torch.randn(BATCH, TOKENS, options.get("kdim", WIDTH), dtype=torch.float64)
    value = torch.randn(BATCH, TOKENS, options.get("vdim", WIDTH), dtype=torch.float64)
    expected, weights = module(query, key, value)
    with record_attention() as calls:
        output, recorded_weights = module(query, key, value)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(recorded_weights, weights, rtol=0, atol=1e-12)
    assert calls[0].queries == 3


def test_unbatched_input_and_weights_per_head() -> None:
    module = nn.MultiheadAttention(WIDTH, HEADS).double().eval()
    x = torch.randn(TOKENS, WIDTH, dtype=torch.float64)
    expected, weights = module(x, x, x, average_attn_weights=False)
    with record_attention():
        output, recorded_weights = module(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(recorded_weights, weights, rtol=0, atol=1e-12)


def test_inference_fast_path_does_not_escape() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, batch_first=True).eval()
    x = torch.randn(BATCH, TOKENS, WIDTH)
    with torch.no_grad():
        expected = layer(x)
        with record_attention() as calls:
            output = layer(x)
    assert len(calls) == 1
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-5)


SDPA_ARGUMENTS = {
    "plain": {},
    "causal": {"is_causal": True},
    "scale": {"scale": 0.7},
    "bool mask": {"attn_mask": torch.tensor([True, True, False, True, True])[None, None, None]},
    "float mask": {
        "attn_mask": torch.linspace(-1, 1, TOKENS * TOKENS, dtype=torch.float64).reshape(1, 1, TOKENS, TOKENS)
    },
    "grouped queries": {"enable_gqa": True},
}


@pytest.mark.parametrize(("name", "leaves"), itertools.product(SDPA_ARGUMENTS, [True, False]))
def test_gradient_of_the_map_is_gradient_of_output_times_values(name: str, leaves: bool) -> None:
    """Against autograd through a softmax written out."""
    torch.manual_seed(0)
    arguments = SDPA_ARGUMENTS[name]
    groups = 2 if "enable_gqa" in arguments else 1
    query = torch.randn(BATCH, HEADS, TOKENS, 8, dtype=torch.float64)
    key, value = (torch.randn(BATCH, HEADS // groups, TOKENS, 8, dtype=torch.float64) for _ in range(2))
    with record_attention(leaves=leaves) as calls:
        output = F.scaled_dot_product_attention(query, key, value, **arguments)
    call = calls[0]
    direction = torch.randn_like(output)
    (gradient,) = torch.autograd.grad((output.tanh() * direction).sum(), call.output)

    attention = call.attention().requires_grad_()
    by_hand = attention @ value.repeat_interleave(groups, 1)
    torch.testing.assert_close(by_hand, output, rtol=0, atol=1e-12)
    (expected,) = torch.autograd.grad((by_hand.tanh() * direction).sum(), attention)
    torch.testing.assert_close(gradient @ call.value.transpose(-1, -2), expected, rtol=0, atol=1e-12)


def test_leaves_cut_the_graph_and_others_keep_it() -> None:
    x = torch.randn(1, HEADS, TOKENS, 8, requires_grad=True)
    for leaves in (True, False):
        with record_attention(leaves=leaves):
            output = F.scaled_dot_product_attention(x, x, x)
        assert output.is_leaf is leaves
        assert output.requires_grad


def test_gradients_can_be_asked_for_when_everything_is_frozen() -> None:
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).requires_grad_(False)
    x = torch.randn(1, TOKENS, WIDTH)
    with record_attention() as calls:
        first = module(x, x, x, need_weights=False)[0]
        second = module(first, first, first, need_weights=False)[0]
    gradients = torch.autograd.grad(second.sum(), [call.output for call in calls])
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_nothing_is_recorded_outside_and_nothing_is_patched() -> None:
    function = F.scaled_dot_product_attention
    x = torch.randn(1, 1, 2, 4)
    with record_attention() as calls:
        assert F.scaled_dot_product_attention is function
    F.scaled_dot_product_attention(x, x, x)
    assert calls == []


def test_threads_see_only_their_own_calls() -> None:
    module = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).eval()
    barrier = threading.Barrier(4)
    seen: dict[int, list[int]] = {}

    def work(index: int) -> None:
        x = torch.randn(1, index + 2, WIDTH)
        barrier.wait()
        with record_attention() as calls:
            for _ in range(20):
                module(x, x, x)
                barrier.wait()
        seen[index] = [call.queries for call in calls]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {index: [index + 2] * 20 for index in range(4)}
