"""The gradient of the logit at the input: the oldest explanation.

Simonyan et al., "Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps",
arXiv 1312.6034, 2013; times the input: Shrikumar et al., arXiv 1605.01713, 2016.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.layers import run_blocks


@method(
    "input_gradient",
    summary="gradient of the logit at the pixels (largest channel), or input times gradient (summed over channels)",
    citation="Simonyan et al., 2013, arXiv 1312.6034; Shrikumar et al., 2016, arXiv 1605.01713",
    windows=True,
)
def input_gradient(view: View, inputs: Inputs, targets: Targets, *, times_input: bool = False) -> Tensor:
    """Saliency per pixel, (batch, targets, H, W); for texts at the embedded tokens, (batch, targets, tokens).

    Args:
        times_input: False: the largest absolute gradient over channels, non-negative. True: the sum over channels of
            gradient times (normalised) input, signed.
    """
    maps = []
    for explained, gradient in gradients_at_input(view, inputs, targets):
        if times_input:
            maps.append((gradient * explained).sum(1))
        else:
            maps.append(gradient.abs().amax(1))
    return torch.stack(maps, dim=1)


def gradients_at_input(view: View, inputs: Inputs, targets: Targets) -> Iterator[tuple[Tensor, Tensor]]:
    """Target by target, what is explained and the gradient of its logit there, channels second.

    Both are (batch, 3, H, W) pixels, or (batch, width, tokens) embedded tokens of a text.
    """
    if isinstance(inputs, Tensor):
        explained = inputs.detach().requires_grad_()
        run = view.begin(explained)
        tokens = run.tokens
    else:
        run = view.begin(inputs)
        explained = run.tokens.detach().transpose(1, 2).requires_grad_()
        tokens = explained.transpose(1, 2)
    scores = targets.logits(view, run.readout(run_blocks(run, tokens))).sum(0)
    for score in scores:
        (gradient,) = torch.autograd.grad(score, explained, retain_graph=True)
        yield at_least_float32(explained.detach()), at_least_float32(gradient)
