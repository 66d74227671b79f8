"""Keyflow: evidence for a target times its share of all evidence, spread among patches whose keys are alike.

Our own, found by trial on one half of the pictures and measured on the other. With LibraGrad's rules inside the network
(the score's own cosine is differentiated truly, and has no logit scale), and read at the row of the readout,

    p, n = rows of  Π_l (I + mean over heads of relu(A_l * ∂s/∂A_l))   and of   Π_l (I + ... relu(-A_l * ∂s/∂A_l))
    r = p² / (p + n)
    E = max(W r - mean over patches of W r, o (W r - its least))^power

W, the likeness of patches by their keys, is :mod:`whylight.passes.key_likeness`. o is so small that the second term is
nothing beside the first: what is not above the mean has no relevance, but an order.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.row_products import rows_for_and_against
from whylight.errors import BadInput
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import FullPass, full_pass
from whylight.passes.key_likeness import SHARPNESS, KeyLikeness, key_likeness
from whylight.passes.logit_gradients import Gradients, score_gradients
from whylight.propagation.libra import libra_gradients

ORDER = 1e-12
"""o. With 0, what is not above the mean would be ties, which whatever ranks patches then breaks by their place."""


@method(
    "keyflow",
    summary="evidence for the target against all evidence, through the layers, spread among patches with like keys",
    citation="this project",
    libra=False,
    smooth=False,
)
def keyflow(
    view: View, inputs: Inputs, targets: Targets, *, sharpness: float = SHARPNESS, power: float = 1.0
) -> Tensor:
    """Keyflow relevance, (batch, targets, patches), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's map last, without identity.

    Args:
        sharpness: how much more a patch looks at its likes than at others, positive.
        power: to which the result is taken, positive: greater makes maps tighter.
    """
    for option, value in (("sharpness", sharpness), ("power", power)):
        if not value > 0:
            raise BadInput(f"keyflow: {option} must be positive, not {value}")
    with libra_gradients():
        full = full_pass(view, inputs)
    evidence: list[Tensor] = []
    likeness: KeyLikeness | None = None
    for gradients in score_gradients(full, targets.scores):
        calls: list[AttentionCall] = []
        p, n = for_and_against(full, gradients, calls)
        evidence.append(p.square() / (p + n).clamp(min=torch.finfo(p.dtype).tiny))
        likeness = likeness or key_likeness(full.run, calls)
        del calls
    assert likeness is not None
    relevance = full.without_own_entry(torch.cat(evidence).transpose(0, 1))
    return likeness.above_mean(relevance, sharpness, power, ORDER)


def for_and_against(full: FullPass, gradients: Gradients, calls: list[AttentionCall]) -> tuple[Tensor, Tensor]:
    """p and n, (targets, batch, patches) each; ``calls`` gets the blocks' attention calls, whose keys W is made of."""

    def through_pooler(pooler: AttentionCall, row: Tensor) -> Tensor:
        return rows_for_and_against(pooler, gradients.last, row.expand(2, len(gradients.last), -1, -1))

    rows = full.start_row(through_pooler)
    for call, gradient in gradients.from_last():
        rows = rows + rows_for_and_against(call, gradient, rows.expand(2, len(gradient), -1, -1))
        calls.append(call)
    p, n = full.patches(rows).unbind()
    return p, n
