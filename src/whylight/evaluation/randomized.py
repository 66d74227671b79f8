"""A model whose blocks lose what they have learnt, from the last to the first (Adebayo et al., NeurIPS 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from whylight.models.view import Inputs, View


def randomized_from_the_last(view: View, inputs: Inputs, seed: int = 0) -> Iterator[View]:
    """A copy of the model after its last block is random, its last two, and so on to all of them.

    Random is: every weight drawn anew from a normal distribution with the mean and spread of its tensor, so that what
    passes through keeps its scale. The copies are one object, which changes; the model itself never does.

    Args:
        inputs: any that the model reads, to find out which parameters each block has.
    """
    other = copy.deepcopy(view)
    of_block = parameters_of_blocks(other, inputs)
    random = torch.Generator().manual_seed(seed)
    for parameters in reversed(of_block):
        with torch.no_grad():
            for parameter in parameters:
                parameter.copy_(_drawn_like(parameter, random))
        yield other


def parameters_of_blocks(view: View, inputs: Inputs) -> list[list[Tensor]]:
    """Of each block in order, the parameters that its output depends on. Makes all parameters ask for gradients."""
    for parameter in view.module.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    known = [parameter for parameter in view.module.parameters() if parameter.requires_grad]
    with torch.no_grad():
        run = view.begin(view.place(inputs))
    tokens = run.tokens
    found: list[list[Tensor]] = []
    for block in run.blocks:
        with torch.enable_grad():
            output = block(tokens.detach())
            reached = torch.autograd.grad(output.sum(), known, allow_unused=True)
        found.append([parameter for parameter, one in zip(known, reached, strict=True) if one is not None])
        tokens = output.detach()
    return found


def _drawn_like(parameter: Tensor, random: torch.Generator) -> Tensor:
    values = parameter.detach().double().cpu()
    spread = values.std() if values.numel() > 1 else values.new_zeros(())
    return (values.mean() + spread * torch.randn(values.shape, dtype=values.dtype, generator=random)).to(parameter)
