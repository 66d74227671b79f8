"""A function of the model whose derivative can be asked for as its gradient or as a relevance rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32

Rule = Callable[..., Sequence[Tensor | None]]
"""``rule(relevance, output, *operands)`` to the relevance of each operand; None for those that get none.
Operands and output carry the function's own graph, of which a rule may ask gradients."""


class Flow:
    """What goes back through a graph of ruled functions: relevance, for many targets at once, or the gradient.

    Attributes:
        relevance: relevance goes back now, not the gradient.
        targets: how many targets go back together.
    """

    def __init__(self) -> None:
        self.relevance = False
        self.targets = 1

    def relevance_at(self, inputs: Sequence[Tensor], output: Tensor, relevance: Tensor) -> list[Tensor]:
        """Relevance (targets, \\*input.shape) at tensors that output was computed from.

        Args:
            relevance: (targets, \\*output.shape). The graph stays, for the next targets.
        """

        def one_target(relevance: Tensor) -> tuple[Tensor, ...]:
            return torch.autograd.grad(output, inputs, relevance, retain_graph=True)

        self.relevance, self.targets = True, len(relevance)
        try:
            relevance = relevance.to(output.dtype)
            if self.targets == 1:
                return [result.unsqueeze(0) for result in one_target(relevance[0])]
            return list(torch.vmap(one_target)(relevance))
        finally:
            self.relevance = False

    def gradient_at(self, inputs: Sequence[Tensor], output: Tensor, gradient: Tensor) -> list[Tensor]:
        """The same for the gradient, target by target: fused attention's own backward takes one at a time."""
        each = [torch.autograd.grad(output, inputs, g, retain_graph=True) for g in gradient.to(output.dtype)]
        return [torch.stack(of_one_input) for of_one_input in zip(*each, strict=True)]


class Ruled(torch.autograd.Function):
    """``Ruled.apply(flow, compute, rule, *operands)`` is ``compute(*operands)``."""

    @staticmethod
    def forward(ctx: Any, flow: Flow, compute: Callable[..., Tensor], rule: Rule, *operands: Any) -> Tensor:
        needed = ctx.needs_input_grad[3:]
        with torch.enable_grad():
            ctx.operands = [
                operand.detach().requires_grad_() if need else operand
                for operand, need in zip(operands, needed, strict=True)
            ]
            output = compute(*ctx.operands)
        ctx.output, ctx.flow, ctx.rule, ctx.needed = output, flow, rule, needed
        return output.detach()

    @staticmethod
    def backward(ctx: Any, *incoming: Tensor) -> tuple[Any, ...]:
        if ctx.flow.relevance:
            shares = ctx.rule(at_least_float32(incoming[0]), ctx.output, *ctx.operands)
            return None, None, None, *shares
        leaves = [operand for operand, need in zip(ctx.operands, ctx.needed, strict=True) if need]
        gradients = iter(torch.autograd.grad(ctx.output, leaves, incoming[0], retain_graph=True))
        return None, None, None, *(next(gradients) if need else None for need in ctx.needed)
