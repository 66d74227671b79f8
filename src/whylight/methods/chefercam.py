"""CheferCAM: attention weighted by its positive gradient, multiplied through the layers.

Chefer, Gur and Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
Transformers", arXiv 2103.15679, ICCV 2021.

    R = (I + Ē_L) ... (I + Ē_s),    Ē = mean over heads of relu(A * ∂logit/∂A),    s the start layer

Read at the row of the readout token; the row is carried from the last layer down. With several layers the result
depends on the scale of the logit: a dual encoder's logit scale is included, as published.
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.row_products import row_times_positive_gradient
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import FullPass, full_pass
from whylight.passes.logit_gradients import Gradients, logit_gradients


@method(
    "chefercam",
    summary="attention times its positive gradient, mean over heads, multiplied through the layers",
    citation="Chefer et al., ICCV 2021, arXiv 2103.15679",
)
def chefercam(view: View, inputs: Inputs, targets: Targets, *, start_layer: int = 0) -> Tensor:
    """CheferCAM relevance, (batch, targets, patches), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's Ē times the product of the blocks.

    Args:
        start_layer: first layer of the product; negative counts from the end. Default: all layers; the published
            notebook for CLIP uses the last layer only (-1).
    """
    full = full_pass(view, inputs, start_layer)
    rows = torch.cat([_row(full, gradients) for gradients in logit_gradients(full, targets)])
    return full.patches(rows).transpose(0, 1)


def _row(full: FullPass, gradients: Gradients) -> Tensor:
    """The readout's row of R, (targets, batch, tokens)."""

    def through_pooler(pooler: AttentionCall, row: Tensor) -> Tensor:
        return row_times_positive_gradient(pooler, gradients.last, row)

    row = full.start_row(through_pooler)
    for call, gradient in gradients.from_last():
        row = row + row_times_positive_gradient(call, gradient, row)
    return row
