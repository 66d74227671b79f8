"""Relevance rollout: relevance of every attention map, multiplied through the layers. No gradient.

Chefer et al., "Transformer Interpretability Beyond Attention Visualization", arXiv 2012.09838, CVPR 2021 (its ablation
without gradients):

    C = (I + R̄_L) ... (I + R̄_s),    R̄ = mean over heads of relu(R_A),    s the start layer

Read at the row of the readout token; the row is carried from the last layer down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.relevance_pass import RelevancePass, relevance_pass
from whylight.propagation import CONSERVATIVE
from whylight.propagation.attention import row_times_relevance


@method(
    "relevance_rollout",
    summary="attention relevance (LRP), mean over heads, multiplied through the layers",
    citation="Chefer et al., CVPR 2021, arXiv 2012.09838",
    libra=False,
    autocast=False,
)
def relevance_rollout(view: View, inputs: Inputs, targets: Targets, *, start_layer: int = 0) -> Tensor:
    """Relevance rollout, (batch, targets, tokens), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's R̄ times the product of the blocks.

    Args:
        start_layer: first layer of the product; negative counts from the end.
    """
    trace = relevance_pass(view, inputs, CONSERVATIVE, start_layer)
    rows = torch.cat([_row(trace, chunk) for chunk in trace.chunks(targets)])
    return trace.full.patches(rows).transpose(0, 1)


def _row(trace: RelevancePass, targets: Targets) -> Tensor:
    """The readout's row of C, (targets, batch, tokens)."""
    arrivals = trace.back(trace.start(targets))

    def through_pooler(call: AttentionCall, row: Tensor) -> Tensor:
        return row_times_relevance(call, next(arrivals).relevance, row)

    row = trace.full.start_row(through_pooler)
    for block in arrivals:
        row = row + row_times_relevance(block.call, block.relevance, row)
    return row
