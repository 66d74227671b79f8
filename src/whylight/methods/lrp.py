"""Layer-wise relevance propagation through the whole model: down to the pixels, or to the tokens of a text.

Bach et al., "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation", PLOS
ONE 2015; for transformers Chefer et al., CVPR 2021, arXiv 2012.09838. The rules are in ``whylight/propagation``.

    map = sum over channels of the pixels' relevance;  text: sum over the width of the relevance of what enters block 0
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.relevance_pass import RelevancePass, RuleSet
from whylight.propagation import RULE_SETS, propagation


@method(
    "lrp",
    summary="layer-wise relevance propagation through the whole model, down to the pixels",
    citation="Bach et al., PLOS ONE 2015; Chefer et al., CVPR 2021, arXiv 2012.09838",
    libra=False,
    autocast=False,
)
def lrp(view: View, inputs: Inputs, targets: Targets, *, rules: RuleSet = "baseline") -> Tensor:
    """Relevance of pixels (batch, targets, H, W), or of the tokens of a text (batch, targets, tokens); of either sign.

    Numerically chaotic under the baseline rules: maps may change their sign when the input changes by 1e-6. Compare
    in float64 only.

    Args:
        rules: "baseline" (the rows of both papers' tables; makes relevance) or "conservative".
    """
    embedding = propagation(RULE_SETS[rules])
    if not isinstance(inputs, Tensor):
        with torch.no_grad():
            run = view.begin(inputs)
    else:
        pixels = embedding.begin(inputs)
        with embedding:
            run = view.begin(pixels)
    trace = RelevancePass(view, run, RULE_SETS[rules], run.tokens, first=0)
    maps = []
    for chunk in trace.chunks(targets):
        start = trace.start(chunk)
        *_, relevance = trace.tokens_back(start)
        if isinstance(inputs, Tensor):
            (relevance,) = embedding.flow.relevance_at([pixels], run.tokens, relevance)
            maps.append(start.of_targets(relevance.sum(2)))
        else:
            maps.append(start.of_targets(relevance.sum(3)))
    return at_least_float32(torch.cat(maps)).transpose(0, 1)
