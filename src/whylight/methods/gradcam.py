"""GradCAM on the tokens of a block.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", arXiv 1610.02391,
ICCV 2017, with tokens as the activations a:

    map_n = sum over channels c of α_c a_nc,    α_c = mean over patches of ∂logit/∂a_nc
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Block, Inputs, Pass, View
from whylight.passes.block_input import block_input
from whylight.passes.first_norm import FirstNorm
from whylight.passes.layers import run_blocks

Place = Literal["norm1", "input", "output"]


@method(
    "gradcam",
    summary="GradCAM on a block's tokens: channels weighted by their mean gradient over the patches",
    citation="Selvaraju et al., ICCV 2017, arXiv 1610.02391",
    windows=True,
)
def gradcam(
    view: View, inputs: Inputs, targets: Targets, *, layer: int = -1, at: Place = "norm1", relu: bool = False
) -> Tensor:
    """GradCAM on tokens, (batch, targets, patches), signed unless ``relu``; of Swin the patches of that block's stage.

    Args:
        layer: which block; negative counts from the end.
        at: "norm1": what the block's attention reads, which is its first norm's output (its input where norms come
            after, as in BERT); "input" or "output": the tokens that enter or leave it. The output of the last block has
            no gradient at the patches of a class-token model.
        relu: keep the positive part only, as the paper does.
    """
    run, index, tokens = block_input(view, inputs, layer)
    activation, tokens = _activation(run.blocks[index], tokens, at)
    scores = targets.logits(view, run.readout(run_blocks(run, tokens, start=index + 1))).sum(0)
    maps = []
    for score in scores:
        (gradient,) = torch.autograd.grad(score, activation, retain_graph=True)
        cells = (at_least_float32(each).flatten(1, -2) for each in (activation.detach(), gradient))
        maps.append(_weighted_sum(run, *cells))
    result = torch.stack(maps, dim=1)
    return result.relu() if relu else result


def _weighted_sum(run: Pass, activation: Tensor, gradient: Tensor) -> Tensor:
    """(batch, patches): Σ_c α_c a_nc; padding is no patch."""
    activation, gradient = activation[:, run.prefix :], gradient[:, run.prefix :]
    if run.mask is None:
        return torch.einsum("bnc,bc->bn", activation, gradient.mean(1))
    real = run.mask[:, run.prefix :, None].to(gradient.dtype)
    return torch.einsum("bnc,bc->bn", activation * real, (gradient * real).sum(1) / real.sum(1))


def _activation(block: Block, tokens: Tensor, at: Place) -> tuple[Tensor, Tensor]:
    """The tokens to explain, as a leaf, and what leaves the block."""
    tokens = tokens.detach()
    if at == "norm1":
        with FirstNorm(tokens.shape, leaf=True) as norm:
            output = block(tokens)
        if norm.output is not None:
            return norm.output, output
    if at == "output":
        with torch.no_grad():
            tokens = block(tokens)
        tokens = tokens.detach().requires_grad_()
        return tokens, tokens
    tokens.requires_grad_()
    return tokens, block(tokens)
