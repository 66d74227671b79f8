"""Raw attention: what the readout token looks at in the last layer, or in another one.

map = mean over heads of A_L, read at the class token's row
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.heads import Head, rows_of_heads
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import full_pass, last_map


@method(
    "raw_attention",
    summary="last layer's attention, mean over heads, at the row the output is read from; the same for every target",
    citation="as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    gradient=False,
)
@torch.no_grad()
def raw_attention(
    view: View, inputs: Inputs, targets: Targets, *, layer: int | None = None, head: Head = "mean"
) -> Tensor:
    """Raw attention, (batch, targets, patches), in [0, 1].

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's own map. Texts: zero at the token
    that is read out.

    Args:
        layer: a block; negative counts from the end. Default: the last map, which is the pooler's where there is one.
            Of a block of an attention-pooled model the mean over patch rows is read.
        head: one head; the "mean" or "max" of all heads' maps; or "all": (batch, heads, patches), whatever the targets.
    """
    full = last_map(view, inputs) if layer is None else full_pass(view, inputs, layer).up_to(layer)
    row = full.patches(rows_of_heads(full.last, full.readout_weights(), head))
    return full.without_own_entry(row if head == "all" else row.unsqueeze(1).repeat(1, len(targets), 1))
