"""The output projection read from running blocks against the module's own weights, and the residual stream."""

from __future__ import annotations

from collections.abc import Callable

import open_clip
import pytest
import timm
import torch
from torch import Tensor, nn

from whylight.attention import ResidualStream, output_projection, record_attention
from whylight.errors import UnsupportedModel


def openclip_block() -> tuple[nn.Module, Tensor, Tensor]:
    block = open_clip.transformer.ResidualAttentionBlock(24, 3, ls_init_value=0.5).double().eval()
    nn.init.normal_(block.attn.out_proj.bias)
    return block, block.attn.out_proj.weight * block.ls_1.gamma[:, None], block.attn.out_proj.bias * block.ls_1.gamma


def timm_block() -> tuple[nn.Module, Tensor, Tensor]:
    block = timm.models.vision_transformer.Block(24, 3, qkv_bias=True).double().eval()
    nn.init.normal_(block.attn.proj.bias)
    return block, block.attn.proj.weight, block.attn.proj.bias


@pytest.mark.parametrize("make", [openclip_block, timm_block])
@pytest.mark.parametrize("shape", [(1, 5), (2, 12), (3, 40)])  # several runs, exactly one too few rows, one run
def test_output_projection_is_the_modules_own(
    make: Callable[[], tuple[nn.Module, Tensor, Tensor]], shape: tuple[int, int]
) -> None:
    block, weight, bias = make()
    projection = output_projection(block, torch.randn(*shape, 24, dtype=torch.float64))
    assert projection.weight.shape == (3, 8, 24)
    torch.testing.assert_close(projection.weight.flatten(0, 1), weight.T.detach(), rtol=0, atol=1e-13)
    torch.testing.assert_close(projection.bias, bias.detach(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("make", [openclip_block, timm_block])
def test_residual_stream_finds_what_attention_and_mlp_add(
    make: Callable[[], tuple[nn.Module, Tensor, Tensor]],
) -> None:
    block, weight, bias = make()
    tokens = torch.randn(2, 7, 24, dtype=torch.float64)
    with torch.no_grad(), record_attention() as calls, ResidualStream(tokens) as stream:
        output = block(tokens)
    attention, mlp = stream.branches
    assert stream.sum is output
    torch.testing.assert_close(attention, calls[0].output.transpose(1, 2).flatten(2) @ weight.T + bias)
    torch.testing.assert_close(tokens + attention + mlp, output)


def test_half_precision_keeps_the_weights_beside_a_large_bias() -> None:
    block, weight, _ = timm_block()
    nn.init.constant_(block.attn.proj.bias, 30.0)
    projection = output_projection(block.bfloat16(), torch.zeros(2, 20, 24, dtype=torch.bfloat16))
    difference = (projection.weight.flatten(0, 1) - weight.T).abs().max() / weight.abs().max()
    assert difference < 0.01


def test_a_block_that_adds_to_something_else_is_refused() -> None:
    layer = nn.TransformerEncoderLayer(24, 3, norm_first=False, batch_first=True).eval()
    block = nn.Sequential(nn.LayerNorm(24), layer)
    with pytest.raises(UnsupportedModel, match="does not add its attention to its tokens"):
        output_projection(block, torch.randn(1, 4, 24))
