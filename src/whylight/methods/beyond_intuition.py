"""Beyond Intuition: what the tokens gather through the layers, times what the output asks of the last map.

Chen et al., "Beyond Intuition: Rethinking Token Attributions inside Transformers", TMLR 2023.

    map = (W * R) at the readout row
    R = (I + P_L) ... (I + P_s),    s the start layer                                        perception
        head-wise:   P = Σ_h I_h A_h,   I_h = Σ |A_hᵀ G_h|, divided by its sum over heads,    G = ∂logit/∂A
        token-wise:  P = (mean over heads of A) diag(r),   r_j = ‖v_j W_O‖ / ‖z_j‖
    W = mean over heads of relu(mean over K steps α from 0 to 1 of G_L(α x))                 feedback
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from whylight.attention import AttentionCall, output_projection
from whylight.attention.absolute_products import sum_of_absolute_products
from whylight.attention.call import at_least_float32
from whylight.attention.row_products import attention_rows, row_times_attention, support
from whylight.errors import BadInput
from whylight.methods.registry import MOST_STEPS, method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import FullPass, drive_to_last_map, full_pass
from whylight.passes.logit_gradients import logit_gradients

Variant = Literal["head", "token"]
Perceive = Callable[[int, AttentionCall, Tensor], Tensor]
"""(layer or -1 for the pooler, its call, row) to row · P."""

TILE_BYTES = 64 * 2**20
"""How much the rows carried at once may take: many of them only for mean-pooled models."""


@method(
    "beyond_intuition",
    summary="attention weighted by head or token importance through the layers, times integrated gradients of the last",
    citation="Chen et al., TMLR 2023",
)
def beyond_intuition(
    view: View, inputs: Inputs, targets: Targets, *, variant: Variant = "head", start_layer: int = 0, steps: int = 20
) -> Tensor:
    """Beyond Intuition relevance, (batch, targets, patches), non-negative.

    Mean-pooled models: mean over patch rows of W * R. Attention-pooled models: the pooler's map is the last one, read
    at its own queries; they are no tokens, so the token-wise P of the pooler is its plain attention.

    Args:
        variant: "head" or "token".
        start_layer: first layer of the perception; negative counts from the end. Published for 12 layers: 3 head-wise,
            6 token-wise.
        steps: K, at least 1. The picture is scaled from zero; of texts, the embedded tokens are.
    """
    full = full_pass(view, inputs, start_layer)
    perceive = _by_heads(full, targets) if variant == "head" else _by_tokens(full)
    feedback = _feedback(full, inputs, targets, steps)
    readout = full.readout_weights()
    total: Tensor | None = None
    rows = support(readout)
    numbers = len(targets) * full.last.query.shape[0] * full.last.heads * full.run.tokens.shape[1]
    size = max(1, TILE_BYTES // (numbers * readout.element_size()))
    for first in range(rows.start, rows.stop, size):
        tile = slice(first, min(first + size, rows.stop))
        asked = full.patches(feedback.rows(tile)).permute(2, 0, 1, 3)
        part = (asked * _perception(full, perceive, tile) * readout.T[tile, None, :, None]).sum(0)
        total = part if total is None else total + part
    assert total is not None
    return total.transpose(0, 1)


def _perception(full: FullPass, perceive: Perceive, rows: slice) -> Tensor:
    """Rows of R without prefix tokens: (rows, targets or 1, batch, patches)."""
    readout = full.readout_weights()
    each = torch.eye(full.last.queries, dtype=readout.dtype, device=readout.device)[rows]
    row = each[:, None, None].expand(-1, 1, len(readout), -1)
    if full.pooler is not None:
        row = full.over_tokens(perceive(-1, full.pooler, row))
    for layer in reversed(range(len(full.blocks))):
        row = row + perceive(layer, full.blocks[layer].call, row)
    return full.patches(row)


def _by_heads(full: FullPass, targets: Targets) -> Perceive:
    chunks = []
    for gradients in logit_gradients(full, targets):
        of_blocks = [sum_of_absolute_products(call, gradient) for call, gradient in gradients.from_last()]
        at_pooler = gradients.pooler
        of_pooler = [] if at_pooler is None else [sum_of_absolute_products(full.last, at_pooler)]
        chunks.append([*reversed(of_blocks), *of_pooler])
    importance = [torch.cat(parts) for parts in zip(*chunks, strict=True)]
    importance = [each / each.sum(-1, keepdim=True).clamp_min(torch.finfo(each.dtype).tiny) for each in importance]

    def perceive(layer: int, call: AttentionCall, row: Tensor) -> Tensor:
        return torch.einsum("...hk,...h->...k", attention_rows(call, row), importance[layer])

    return perceive


@torch.no_grad()
def _by_tokens(full: FullPass) -> Perceive:
    growth = []
    for block, drive in zip(full.blocks, full.run.blocks[-len(full.blocks) :], strict=True):
        projection = output_projection(drive, block.tokens)
        written = torch.einsum("bhnd,hdw->bnw", at_least_float32(block.call.value), projection.weight)
        growth.append(written.norm(dim=-1) / at_least_float32(block.tokens).norm(dim=-1))

    def perceive(layer: int, call: AttentionCall, row: Tensor) -> Tensor:
        gathered = row_times_attention(call, row)
        return gathered if layer < 0 else gathered * growth[layer]

    return perceive


@dataclass(frozen=True)
class _Feedback:
    """W, from the gradients at the last attention's output and its values, side by side for all steps.

    Attributes:
        gradient: (targets, batch, heads, rows, steps x head width), rows from ``first`` on.
        value: (batch, heads, keys, steps x head width).
    """

    call: AttentionCall
    gradient: Tensor
    value: Tensor
    first: int

    def rows(self, rows: slice) -> Tensor:
        """Rows of W up to a factor K: (targets, batch, rows, keys)."""
        product = self.gradient[..., rows.start - self.first : rows.stop - self.first, :] @ self.value.transpose(-1, -2)
        allowed = self.call.allowed(rows)
        return (product if allowed is None else product * allowed).relu().mean(-3)


def _feedback(full: FullPass, inputs: Inputs, targets: Targets, steps: int) -> _Feedback:
    if not 1 <= steps <= MOST_STEPS:
        raise BadInput(f"steps must be 1 to {MOST_STEPS:,}, not {steps}")
    rows = support(full.readout_weights())
    gradients, values = [], []
    for alpha in torch.linspace(0, 1, steps, dtype=torch.float64).tolist():
        with torch.no_grad():
            run = full.view.begin(inputs * alpha) if isinstance(inputs, Tensor) else full.run
            tokens = run.tokens if isinstance(inputs, Tensor) else run.tokens * alpha
        scaled = drive_to_last_map(full.view, run, tokens)
        parts = [each.last[..., rows, :] for each in logit_gradients(scaled, targets)]
        gradients.append(at_least_float32(torch.cat(parts)) / steps)
        values.append(at_least_float32(scaled.last.value.detach()))
    return _Feedback(full.last, torch.cat(gradients, -1), torch.cat(values, -1), rows.start)
