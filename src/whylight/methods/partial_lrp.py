"""Partial LRP: relevance of the last attention map.

Voita et al., "Analyzing Multi-Head Self-Attention", ACL 2019, as the baseline of Chefer et al., CVPR 2021:

    map = mean over heads of relu(R_A),    read at the class token's row of the last layer
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.relevance_pass import RuleSet, relevance_pass
from whylight.propagation import RULE_SETS
from whylight.propagation.attention import row_times_relevance


@method(
    "partial_lrp",
    summary="relevance (LRP) of the last attention map, mean over heads, at the row the output is read from",
    citation="Voita et al., ACL 2019; as the baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
    libra=False,
    autocast=False,
)
def partial_lrp(view: View, inputs: Inputs, targets: Targets, *, rules: RuleSet = "baseline") -> Tensor:
    """Partial LRP, (batch, targets, tokens), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's own map.

    Args:
        rules: "baseline" (the rows of both papers' tables; makes relevance) or "conservative".
    """
    trace = relevance_pass(view, inputs, RULE_SETS[rules], start_layer=-1)
    weights = trace.full.readout_weights()
    rows = []
    for chunk in trace.chunks(targets):
        last = next(trace.back(trace.start(chunk)))
        rows.append(row_times_relevance(last.call, last.relevance, weights))
    return trace.full.patches(torch.cat(rows)).transpose(0, 1)
