"""A model whose blocks lose what they have learnt, from the last to the first (Adebayo et al., NeurIPS 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from whylight.models.view import Inputs, View


class RandomizedBlocks:
    """A copy of a model after its last block is random, its last two, and so on to all of them; as often as asked.

    Random is: every weight drawn anew from a normal distribution with the mean and spread of its tensor, so that what
    passes through keeps its scale. The weights are drawn once. The copies that iterating gives are one object, which
    changes, and begins as the model is; the model itself never changes.

    Args:
        inputs: any that the model reads, to find out which parameters each block has.
    """

    def __init__(self, view: View, inputs: Inputs, seed: int = 0) -> None:
        self.model = view
        self._copy = copy.deepcopy(view)
        of_block = parameters_of_blocks(self._copy, inputs)
        learnt: dict[Tensor, Tensor] = dict(zip(self._copy.module.parameters(), view.module.parameters(), strict=True))
        self._learnt = {parameter: learnt[parameter] for parameters in of_block for parameter in parameters}
        random = torch.Generator().manual_seed(seed)
        self._drawn: list[dict[Tensor, Tensor]] = []
        for parameters in reversed(of_block):
            self._drawn.append({parameter: _drawn_like(parameter, random) for parameter in parameters})
            _write(self._drawn[-1])  # blocks that share a parameter draw it from what it is by then

    def __iter__(self) -> Iterator[View]:
        _write(self._learnt)
        for drawn in self._drawn:
            _write(drawn)
            yield self._copy


@torch.no_grad()
def _write(values: Mapping[Tensor, Tensor]) -> None:
    for parameter, value in values.items():
        parameter.copy_(value)


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
