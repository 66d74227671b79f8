"""TokenTM: attention and its gradient, with how much each layer changes each token's length and direction.

Wu et al., "Token Transformation Matters: Towards Faithful Post-hoc Explanation for Vision Transformer",
arXiv 2403.14552, CVPR 2024; the formulas are those of the re-implementation by the authors of LibraGrad.

    W(a → b) = diag_j( ‖b_j‖ / (‖a_j‖ + 1e-8) · softmax over tokens of cosine(a_j, b_j) )
    U = (I + W(z̃ → z'))  (I + (Ā W(z → z̃)) * Ḡ)        z, z̃, z': tokens before, after attention, after the MLP
    C = U_L ... U_1 diag(‖z_1‖)                            Ā, Ḡ: means over heads of A and of relu(∂logit/∂A)

Read at the row of the readout token; the row is carried from the last layer down.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.attention.row_products import row_times_means
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import BlockPass, FullPass, full_pass
from whylight.passes.logit_gradients import Gradients, logit_gradients


@method(
    "token_tm",
    summary="attention times gradient through the layers, weighted by how each token's length and direction change",
    citation="Wu et al., CVPR 2024, arXiv 2403.14552, as re-implemented by the authors of LibraGrad",
)
def token_tm(view: View, inputs: Inputs, targets: Targets) -> Tensor:
    """TokenTM relevance, (batch, targets, patches), non-negative.

    Mean-pooled models: mean over patch rows. Attention-pooled models: the pooler's Ā * Ḡ times the product of the
    blocks; its queries are no tokens, so nothing is transformed there.
    """
    full = full_pass(view, inputs, residual=True)
    transformations = [_transformations(full, block) for block in full.blocks]
    rows = torch.cat([_row(full, gradients, transformations) for gradients in logit_gradients(full, targets)])
    lengths = at_least_float32(full.blocks[0].tokens).norm(dim=-1)
    return full.patches(rows * lengths).transpose(0, 1)


def _row(full: FullPass, gradients: Gradients, transformations: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The readout's row of U_L ... U_1, (targets, batch, tokens)."""

    def through_pooler(pooler: AttentionCall, row: Tensor) -> Tensor:
        return row_times_means(pooler, gradients.last, row)

    row = full.start_row(through_pooler)
    for (call, gradient), (by_attention, by_mlp) in zip(gradients.from_last(), reversed(transformations), strict=True):
        row = row + row * by_mlp
        row = row + row_times_means(call, gradient, row) * by_attention
    return row


def _transformations(full: FullPass, block: BlockPass) -> tuple[Tensor, Tensor]:
    """What attention and MLP make of each token: the diagonals of W(z → z̃) and W(z̃ → z')."""
    assert block.after_attention is not None
    by_attention = _transformation(full, block.tokens, block.after_attention)
    return by_attention, _transformation(full, block.after_attention, block.output)


def _transformation(full: FullPass, before: Tensor, after: Tensor) -> Tensor:
    """The diagonal of W(before → after), (batch, tokens)."""
    before, after = at_least_float32(before), at_least_float32(after)
    cosine = F.cosine_similarity(before, after, dim=-1)
    if full.run.mask is not None:
        cosine = cosine.masked_fill(~full.run.mask.bool(), -torch.inf)
    growth: Tensor = after.norm(dim=-1) / (before.norm(dim=-1) + 1e-8)
    return growth * cosine.softmax(-1)
