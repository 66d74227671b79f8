"""Attention rollout: attention multiplied through the layers, skip connections as identities.

Abnar and Zuidema, "Quantifying Attention Flow in Transformers", arXiv 2005.00928, ACL 2020.

    R = Â_L ... Â_s,    Â = (mean over heads of A + I) with rows that sum to one,    s the start layer

Read at the row of the readout token; the row is carried from the last layer down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.row_products import row_times_attention
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import full_pass


@method(
    "rollout",
    summary="attention multiplied through the layers, skip connections as identities; the same for every target",
    citation="Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    gradient=False,
)
@torch.no_grad()
def rollout(view: View, inputs: Inputs, targets: Targets, *, start_layer: int = 0) -> Tensor:
    """Attention rollout, (batch, targets, patches), in [0, 1].

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's map times the rollout of the blocks.
    Texts: zero at the token that is read out.

    Args:
        start_layer: first layer of the product; negative counts from the end.
    """
    full = full_pass(view, inputs, start_layer)
    row = full.start_row(row_times_attention)
    for block in reversed(full.blocks):
        row = (row + row_times_attention(block.call, row)) / 2  # rows of A sum to one, so those of A + I to two
    return full.without_own_entry(full.patches(row).unsqueeze(1).repeat(1, len(targets), 1))
