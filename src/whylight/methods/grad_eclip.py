"""Grad-ECLIP: gradients at the read-out token's attention output, on values weighted by how its query meets their keys.

Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024. For the last layer, with
o = A V its attention output, q, k, v all heads concatenated, c the read-out token, f the cosine with the target:

    g = ∂f / ∂o_c,      s_n = min-max over tokens n of cosine(q_c, k_n),      E_n = relu(Σ_features g · v_n · s_n)

The class token of a picture, the end-of-text token of a text. The min-max of a text is over its whole context, padding
included, as published; padding itself gets nothing.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.attention import AttentionCall, OutputProjection, ReplaceAttention, output_projection, record_attention
from whylight.attention.arguments import AttentionArguments
from whylight.attention.call import at_least_float32
from whylight.attention.min_max import min_max
from whylight.errors import BadInput
from whylight.methods.registry import method
from whylight.models.readout_token import tokens_at
from whylight.models.targets import Targets
from whylight.models.view import Inputs, Pass, View
from whylight.passes.block_input import block_input
from whylight.passes.layers import the_call
from whylight.passes.readout_position import readout_positions


@method(
    "grad_eclip",
    summary="the last layer's values, weighted by the read-out token's gradient and its query's cosine with keys",
    citation="Zhao et al., ICML 2024",
)
def grad_eclip(
    view: View,
    inputs: Inputs,
    targets: Targets,
    *,
    start_layer: int = -1,
    single_head: bool = False,
    projected: bool = False,
    similarity: bool = True,
) -> Tensor:
    """Grad-ECLIP relevance, (batch, targets, tokens), non-negative. For models that read their output from one token.

    Args:
        start_layer: first layer; negative counts from the end. Pictures: the ReLU is taken in each layer, then the
            sum; texts: the other way round (both as published; its text maps use -8).
        single_head: recompute these layers with one attention head over the full width, as the published code does;
            what is explained is then the output of that other model.
        projected: take q and k through the output projection before their cosine, as the published evaluation does;
            False: as they are, as in the paper.
        similarity: False leaves s_n out.
    """
    run, first, tokens = block_input(view, inputs, start_layer)
    rows = readout_positions(view, run, "grad_eclip")
    calls: list[AttentionCall] = []
    weights: list[Tensor | float] = []
    for layer, block in enumerate(run.blocks[first:], first):
        entering = tokens
        with ReplaceAttention(_one_head) if single_head else nullcontext(), record_attention() as recorded:
            tokens = block(entering)
        calls.append(the_call(recorded, view, layer, tokens.shape[1]))
        projection = output_projection(block, entering) if projected and similarity else None
        weights.append(_likeness(calls[-1], rows, projection, run.prefix) if similarity else 1.0)
    scores = targets.scores(run.readout(tokens))
    return torch.stack([_relevance(scores[:, t], calls, weights, rows, run) for t in range(len(targets))], dim=1)


def _relevance(
    score: Tensor, calls: list[AttentionCall], weights: list[Tensor | float], rows: Tensor, run: Pass
) -> Tensor:
    """E for one target, (batch, tokens), from its scores (batch,)."""
    gradients = torch.autograd.grad(score.sum(), [call.output for call in calls], retain_graph=True)
    parts = []
    for call, gradient, weight in zip(calls, gradients, weights, strict=True):
        row = at_least_float32(tokens_at(gradient.transpose(1, 2), rows))
        value = at_least_float32(call.value.detach())
        parts.append(torch.einsum("bhd,bhnd->bn", row, value)[:, run.prefix :] * weight)
    layers = torch.stack(parts)
    relevance = layers.sum(0).relu() if run.grid is None else layers.relu().sum(0)
    return relevance if run.mask is None else relevance * run.mask[:, run.prefix :]


def _likeness(call: AttentionCall, rows: Tensor, projection: OutputProjection | None, prefix: int) -> Tensor:
    """s_n over the tokens after the prefix, (batch, tokens), in [0, 1]."""
    query, key = call.query.detach(), call.key.detach()
    query = tokens_at(query.transpose(1, 2), rows)[:, :, None]
    if projection is not None:
        query, key = projection(query), projection(key)
    else:
        query, key = (at_least_float32(part).transpose(1, 2).flatten(2) for part in (query, key))
    return min_max(F.cosine_similarity(query, key, dim=-1)[:, prefix:])


def _one_head(*args: Any, **kwargs: Any) -> Tensor:
    """Attention with all heads as one, its scale that of the full width."""
    given = AttentionArguments(*args, **kwargs)
    mask, query = given.attn_mask, given.query
    if given.enable_gqa or (mask is not None and mask.dim() == 4 and mask.shape[1] > 1):
        raise BadInput("single_head needs heads that share one mask and have keys of their own")
    one_query, one_key, one_value = (
        part.transpose(1, 2).flatten(2)[:, None] for part in (query, given.key, given.value)
    )
    output = replace(given, query=one_query, key=one_key, value=one_value, scale=None).attend()
    return output[:, 0].reshape(query.transpose(1, 2).shape).transpose(1, 2)
