"""Row-by-row products against whole matrices of maps that autograd sees, for every way to pool.

The oracles hold class-token models only; here the definitions are written out with tokens x tokens matrices.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from zoo.explained import VIEWS

from whylight.attention import ReplaceAttention
from whylight.attention.arguments import AttentionArguments
from whylight.methods import relevance
from whylight.models.targets import as_targets
from whylight.models.view import Inputs, Pass, View

KINDS = [
    "openclip average",
    "openclip coca",
    "openclip text",
    "timm mean",
    "timm map",
    "timm map beside class token",
    "transformers bert",
    "transformers clip text",
]


class WrittenOut:
    """Every attention map of a model for its inputs, and for every target the gradients, zero where forbidden."""

    def __init__(self, view: View, run: Pass, tokens: Tensor, targets: object) -> None:
        self.run, self.maps = run, list[Tensor]()
        with ReplaceAttention(self.attend):
            for block in run.blocks:
                tokens = block(tokens)
            output = run.readout(tokens)
        scores = as_targets(view, targets, len(output)).logits(view, output)
        self.gradients = [torch.autograd.grad(score, self.maps, retain_graph=True) for score in scores.sum(0)]

    def attend(self, *args: Any, **kwargs: Any) -> Tensor:
        given = AttentionArguments(*args, **kwargs)
        scale = given.query.shape[-1] ** -0.5 if given.scale is None else given.scale
        scores = given.query @ given.key.transpose(-1, -2) * scale
        attn_mask = given.attn_mask
        if given.is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None:
            forbidden = ~attn_mask if attn_mask.dtype == torch.bool else attn_mask == -torch.inf
            scores = scores.masked_fill(forbidden, -torch.inf)
        attention = scores.softmax(-1)
        self.maps.append(attention)
        kept = torch.isfinite(scores).to(attention.dtype)
        return (attention * kept) @ given.value

    def read(self, matrices: list[Tensor], normalized: bool = False) -> Tensor:
        """The pooled row of the product of all layers' I + M: (batch, patches)."""
        identity = torch.eye(self.run.tokens.shape[1], dtype=torch.float64)
        product = identity.expand(len(matrices[0]), -1, -1)
        for matrix in matrices[: len(self.run.blocks)]:
            layer = matrix + identity
            product = (layer / layer.sum(-1, keepdim=True) if normalized else layer) @ product
        return self.pooled(product, matrices[-1])

    def pooled(self, product: Tensor, last: Tensor) -> Tensor:
        run = self.run
        if run.attention_pool is not None:
            rows = last[:, run.attention_pool.rows].mean(1)
            missing = product.shape[-1] - rows.shape[-1]
            rows = torch.cat([rows.new_zeros(len(rows), missing), rows], dim=1)
            return (rows[:, None] @ product)[:, 0, run.prefix :]
        if run.readout_row is not None:
            return product[torch.arange(len(product)), run.readout_row][:, run.prefix :]
        return product[:, run.prefix :].mean(1)[:, run.prefix :]


def written_out(kind: str) -> tuple[WrittenOut, View, Inputs, object]:
    view, inputs, targets = VIEWS[kind]()
    run = view.begin(inputs)
    return WrittenOut(view, run, run.tokens, targets), view, inputs, targets


def own_entry_zero(found: WrittenOut, maps: Tensor) -> Tensor:
    if found.run.grid is None:
        maps[torch.arange(len(maps)), found.run.readout_row] = 0
    return maps


@pytest.mark.parametrize("kind", KINDS)
def test_rollout(kind: str) -> None:
    found, view, inputs, targets = written_out(kind)
    expected = own_entry_zero(found, found.read([each.mean(1) for each in found.maps], normalized=True))
    maps = relevance(view, inputs, targets, "rollout")
    torch.testing.assert_close(maps[:, 1], expected.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_chefercam(kind: str) -> None:
    found, view, inputs, targets = written_out(kind)
    maps = relevance(view, inputs, targets, "chefercam")
    for target, gradients in enumerate(found.gradients):
        weighted = [(a * g).relu().mean(1) for a, g in zip(found.maps, gradients, strict=True)]
        torch.testing.assert_close(maps[:, target], found.read(weighted).detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_head_wise_beyond_intuition_of_one_step(kind: str) -> None:
    """One step is the gradient at zero input."""
    found, view, inputs, targets = written_out(kind)
    run = found.run if found.run.grid is None else view.begin(inputs * 0)
    zero = WrittenOut(view, run, run.tokens * 0 if run.grid is None else run.tokens, targets)
    maps = relevance(view, inputs, targets, "beyond_intuition", steps=1)
    for target, gradients in enumerate(found.gradients):
        perceived = []
        for a, g in zip(found.maps, gradients, strict=True):
            importance = (a.transpose(-1, -2) @ g).abs().sum((-2, -1))
            share = importance / importance.sum(-1, keepdim=True)
            perceived.append((share[..., None, None] * a).sum(1))
        size = found.run.tokens.shape[1]
        product = torch.eye(size, dtype=torch.float64).expand(len(maps), -1, -1)
        for matrix in perceived[: len(found.run.blocks)]:
            product = product + matrix @ product
        feedback = zero.gradients[target][-1].relu().mean(1)
        missing = size - feedback.shape[-1]
        feedback = torch.cat([feedback.new_zeros(*feedback.shape[:-1], missing), feedback], dim=-1)
        if run.attention_pool is not None:
            last = torch.cat([feedback.new_zeros(*feedback.shape[:-1], missing), perceived[-1]], dim=-1)
            rows = run.attention_pool.rows
            expected = (feedback * (last @ product))[:, rows].mean(1)[:, run.prefix :]
        else:
            expected = found.pooled(feedback * product, feedback)
        torch.testing.assert_close(maps[:, target], expected.detach(), rtol=1e-9, atol=1e-12)
