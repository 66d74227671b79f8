"""AttentionCAM: GradCAM on the last attention map. Chefer's code calls it GradCAM.

map = relu(mean over heads of α_h A_h),    α_h = mean over patches of ∂logit/∂A_h,    both at the readout row
"""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.row_products import attention_rows, gradient_rows
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import last_map
from whylight.passes.logit_gradients import logit_gradients


@method(
    "attention_cam",
    summary="GradCAM on the last attention map: heads weighted by the mean gradient at the readout row, ReLU",
    citation="as the GradCAM baseline of Chefer et al., CVPR 2021, arXiv 2012.09838",
)
def attention_cam(view: View, inputs: Inputs, targets: Targets) -> Tensor:
    """AttentionCAM relevance, (batch, targets, patches), non-negative; all zero where no head keeps a positive weight.

    Mean-pooled models: the mean over patch rows of map and gradient. Attention-pooled models: the pooler's map. Texts:
    zero at the token that is read out.
    """
    full = last_map(view, inputs)
    readout = full.readout_weights()
    attention = full.patches(attention_rows(full.last, readout))
    gradient = torch.cat([gradient_rows(full.last, each.last, readout) for each in logit_gradients(full, targets)])
    weights = full.mean_over_patches(full.patches(gradient))
    return full.without_own_entry((weights * attention).mean(-2).relu().transpose(0, 1))
