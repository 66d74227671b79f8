"""Attention rollout: attention multiplied through the layers, skip connections as identities.

Abnar and Zuidema, "Quantifying Attention Flow in Transformers", arXiv 2005.00928, ACL 2020.

    R = Â_l ... Â_s,    Â = (mean over heads of A + I) with rows that sum to one,    s the start layer, l the last

Read at the row of the readout token; the row is carried from the last layer down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.heads import Head, rollout_step, rows_of_heads
from whylight.attention.row_products import attention_rows
from whylight.errors import BadInput
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import FullPass, full_pass


@method(
    "rollout",
    summary="attention multiplied through the layers, skip connections as identities; the same for every target",
    citation="Abnar and Zuidema, ACL 2020, arXiv 2005.00928",
    gradient=False,
)
@torch.no_grad()
def rollout(
    view: View,
    inputs: Inputs,
    targets: Targets,
    *,
    start_layer: int = 0,
    layer: int | None = None,
    head: Head = "mean",
) -> Tensor:
    """Attention rollout, (batch, targets, patches), in [0, 1].

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's map times the rollout of the blocks.
    Texts: zero at the token that is read out.

    Args:
        start_layer: first layer of the product; negative counts from the end.
        layer: last layer of the product; default: the last map, which is the pooler's where there is one. Rows of a
            block of an attention-pooled model are read at all patches.
        head: what A is in every layer: one head of each; the "mean" or the "max" of the heads' maps; or "all": each
            head number by itself, (batch, heads, patches), whatever the targets.
    """
    full = full_pass(view, inputs, start_layer)
    full = full if layer is None else full.up_to(layer)
    row = _start(full, head)
    for block in reversed(full.blocks):
        row = rollout_step(block.call, row, head)
    maps = full.patches(row)
    return full.without_own_entry(maps if head == "all" else maps.unsqueeze(1).repeat(1, len(targets), 1))


def _start(full: FullPass, head: Head) -> Tensor:
    """The row over the last block's tokens: (batch, tokens); of "all" heads (batch, heads, tokens)."""
    if head != "all":
        return full.start_row(lambda pooler, row: rows_of_heads(pooler, row, head))
    if full.pooler is not None and full.pooler.heads != full.blocks[-1].call.heads:
        raise BadInput(
            f"rollout: head='all' follows each head through the layers, and {full.view.name} has {full.pooler.heads} "
            f"in its pooler and {full.blocks[-1].call.heads} in its blocks: layer=-1 leaves the pooler out"
        )
    row = full.start_row(attention_rows)
    return row if row.dim() == 3 else row.unsqueeze(1).repeat(1, full.last.heads, 1)
