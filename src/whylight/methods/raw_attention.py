"""Raw attention: what the readout token looks at in the last layer.

map = mean over heads of A_L, read at the class token's row
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.row_products import row_times_attention
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import last_map


@method(
    "raw_attention",
    summary="last layer's attention, mean over heads, at the row the output is read from; the same for every target",
    citation="as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    gradient=False,
)
@torch.no_grad()
def raw_attention(view: View, inputs: Inputs, targets: Targets) -> Tensor:
    """Raw attention, (batch, targets, patches), in [0, 1].

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's own map. Texts: zero at the token
    that is read out.
    """
    full = last_map(view, inputs)
    row = full.patches(row_times_attention(full.last, full.readout_weights()))
    return full.without_own_entry(row.unsqueeze(1).repeat(1, len(targets), 1))
