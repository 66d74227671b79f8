"""Transformer Attribution: relevance of every attention map times its gradient, multiplied through the layers.

Chefer, Gur and Wolf, "Transformer Interpretability Beyond Attention Visualization", arXiv 2012.09838, CVPR 2021.

    Ē_l = mean over heads of relu(R_A * ∂logit/∂A)                          (equation 13)
    C   = (I + Ē_L) ... (I + Ē_s),    s the start layer                     (equation 14)

Read at the row of the readout token; the row is carried from the last layer down, the order in which relevance comes.
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
from whylight.propagation.attention import row_times_normalized, row_times_relevance


@method(
    "transformer_attribution",
    summary="attention relevance (LRP) times its positive gradient, mean over heads, multiplied through the layers",
    citation="Chefer et al., CVPR 2021, arXiv 2012.09838",
    libra=False,
    autocast=False,
)
def transformer_attribution(
    view: View, inputs: Inputs, targets: Targets, *, start_layer: int = 0, normalize_rows: bool | None = None
) -> Tensor:
    """Transformer Attribution, (batch, targets, tokens), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's Ē times the product of the blocks.

    Args:
        start_layer: first layer of the product; negative counts from the end. The published code for BERT: 11,
            the last of 12.
        normalize_rows: scale the rows of I + Ē to sum to one. Default as published: for text, not for pictures. For
            text, the readout token's own entry, which the identity makes the largest, is set to the smallest one.
    """
    trace = relevance_pass(view, inputs, CONSERVATIVE, start_layer)
    text = trace.run.grid is None
    normalize = text if normalize_rows is None else normalize_rows
    rows = torch.cat([_row(trace, chunk, normalize) for chunk in trace.chunks(targets)])
    result = trace.full.patches(rows)
    if text and trace.run.readout_row is not None:
        result = _with_smallest(result, trace.run.readout_row, trace.run.mask)
    return result.transpose(0, 1)


def _row(trace: RelevancePass, targets: Targets, normalize: bool) -> Tensor:
    """The readout's row of C, (targets, batch, tokens)."""
    arrivals = trace.back(trace.start(targets), trace.gradient(targets))

    def through_pooler(call: AttentionCall, row: Tensor) -> Tensor:
        pooler = next(arrivals)
        return row_times_relevance(call, pooler.relevance, row, pooler.gradient)

    row = trace.full.start_row(through_pooler)
    for block in arrivals:
        if normalize:
            row = row_times_normalized(block.call, block.relevance, row, block.gradient)
        else:
            row = row + row_times_relevance(block.call, block.relevance, row, block.gradient)
    return row


def _with_smallest(rows: Tensor, own: Tensor, mask: Tensor | None) -> Tensor:
    """Rows (targets, batch, tokens) with their entry at ``own`` (batch,) as small as the smallest; padding left out."""
    real = rows if mask is None else rows.masked_fill(~mask, torch.inf)
    return rows.scatter(-1, own.reshape(1, -1, 1).expand(len(rows), -1, 1), real.amin(-1, keepdim=True))
