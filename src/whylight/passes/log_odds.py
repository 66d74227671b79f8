"""The log-odds of a word: its logit minus the logarithm of what all other words' come to together.

    s = z_w - log Σ over v ≠ w of exp z_v,    ∂s/∂z_w = 1,    ∂s/∂z_v = - exp z_v / Σ over u ≠ w of exp z_u

Written out with its gradient, as a language model has many words: autograd's of the formula goes over all logits some
ten times more.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def log_odds(logits: Tensor, ids: Tensor) -> Tensor:
    """Of one word in each row, (rows,).

    Args:
        logits: (rows, words), floating.
        ids: the words, (rows, 1).
    """
    found: Tensor = _LogOdds.apply(logits, ids)
    return found


class _LogOdds(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, ids: Tensor) -> Tensor:
        others = logits.scatter(1, ids, -torch.inf)
        most = others.amax(1, keepdim=True)
        others.sub_(most).exp_()
        total = others.sum(1, keepdim=True)
        ctx.save_for_backward(others, total, ids)
        return (logits.gather(1, ids) - most - total.log())[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        others, total, ids = ctx.saved_tensors
        gradient = gradient[:, None]
        return (others * (-gradient / total)).scatter_(1, ids, gradient), None
