"""LeGrad: the gradient of each layer's attention map is itself the explanation.

Bousselham et al., "LeGrad: An Explainability Method for Vision Transformers via Feature Formation Sensitivity",
arXiv 2404.03214, ICCV 2025.

For block l with tokens z_l, attention map A_l and the score s_l of its pooled tokens,

    E_l = mean over heads and queries of relu(∂s_l / ∂A_l)        (equations 5 to 7)
    E   = sum over l of E_l                                       (equation 8)

s_l reads block l directly, so the gradient stays inside it: each layer's graph is freed before the next begins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from whylight.attention.min_max import min_max
from whylight.errors import BadInput
from whylight.methods.legrad.autograd import Readout, TokenPooling, graph_layers
from whylight.methods.legrad.driving import recorded_layers
from whylight.methods.legrad.layer_sum import relevance_of_layers, small_ones_together
from whylight.methods.legrad.prepared import prepared_for, prepared_layers
from whylight.methods.registry import method
from whylight.models.pre_norm import PreNormBlock
from whylight.models.targets import Score, Targets
from whylight.models.targets.plain import EmbeddingTargets
from whylight.models.view import Inputs, Pass, View
from whylight.passes.layers import layer_index
from whylight.propagation.libra import libra_is_active

Road = Literal["general", "closed_form"]


@method(
    "legrad",
    summary="gradients of every layer's attention map, ReLU, mean over heads and queries, sum over layers",
    citation="Bousselham et al., ICCV 2025, arXiv 2404.03214",
)
def legrad(
    view: View,
    inputs: Inputs,
    targets: Targets,
    *,
    start_layer: int = 0,
    score: Score | None = None,
    pooling: TokenPooling | None = None,
    readout: Readout = "published",
    centered: bool = False,
    empty_prompt_correction: bool = False,
    create_graph: bool = False,
    road: Road | None = None,
) -> Tensor:
    """LeGrad relevance, (batch, targets, patches), non-negative.

    Args:
        start_layer: first layer of the sum; negative counts from the end (the published code's default is -2).
        score: "cosine" (published code) or "dot" (the paper's formula, no L2 norm) with the prompt's embedding.
            Default: cosine, and dot for CoCa, as published. A classifier's score is the class's logit either way.
        pooling: what s_l reads: "mean" over all tokens, "class_token", or the mean over "patches". Default: mean over
            all tokens, as published, and over patches for mean-pooled classifiers. An attentional pooler is always read
            as the model reads it.
        readout: attentional poolers only: "published" leaves out the final norm (SigLIP) and ``ln_post`` (CoCa), as the
            published code does; "model" scores as the model itself does.
        centered: subtract each attention row's mean gradient before the ReLU.
        empty_prompt_correction: SigLIP only: zero where the min-maxed map of the empty prompt exceeds 0.8, then
            min-max.
        create_graph: keep the result differentiable with respect to the inputs and the model's parameters.
        road: "closed_form" (:mod:`whylight.methods.legrad.closed_form`: many prompts as a few matrix products) or
            "general" (autograd, any model). Default: the closed form where the model has that shape.
    """
    if empty_prompt_correction:
        ask = partial(legrad, view, inputs, start_layer=start_layer, score=score, readout=readout, centered=centered)
        return corrected(view, targets, ask, lambda: view.encode_text([""]))
    run = view.begin(inputs)
    first = layer_index(start_layer, len(run.blocks))
    pooling = pooling or published_pooling(view)
    score = score or published_score(run, readout)
    anatomy = closed_form_blocks(view, run, pooling, road, create_graph)
    if anatomy is not None:
        weights = pooling_weights(run, pooling)
        recorded = recorded_layers(view, run, anatomy, first=first, weights=weights)
        prepared = prepared_for(view, anatomy)
        pays = prepared.pay(run.tokens[..., 0].numel(), len(targets))
        layers = prepared_layers(recorded, prepared, weights) if pays else recorded
        groups = small_ones_together(layers)
        by_target = relevance_of_layers(groups, run.head, targets, score=score, weights=weights, centered=centered)
        return by_target.transpose(0, 1)[..., run.prefix :]
    total: Tensor | None = None
    for layer in graph_layers(view, run, first=first, pooling=pooling, readout=readout, create_graph=create_graph):
        part = layer.relevance(targets, score, centered=centered, create_graph=create_graph)
        total = part if total is None else total + part
        del layer  # and its graph, before the next block runs
    assert total is not None
    return total


def pooling_weights(run: Pass, pooling: TokenPooling) -> Tensor:
    """The share of each token in the mean, (tokens,), summing to one."""
    weights = run.tokens.new_ones(run.tokens.shape[1])
    if pooling == "patches":
        weights[: run.prefix] = 0
    return weights / weights.sum()


def closed_form_blocks(
    view: View, run: Pass, pooling: TokenPooling, road: Road | None, create_graph: bool = False
) -> list[PreNormBlock] | None:
    """The parts of the blocks where the closed form holds and is not forbidden.

    Raises:
        BadInput: the closed form is asked for, and does not hold.
    """
    if road == "general":
        return None
    holds = not (create_graph or libra_is_active())
    holds = holds and run.attention_pool is None and run.mask is None and pooling != "class_token"
    anatomy = view.pre_norm_blocks() if holds else None
    if road == "closed_form" and anatomy is None:
        raise BadInput(
            f"{view.name}: the closed form needs plain pre-norm blocks, mean pooling, no create_graph and no libra"
        )
    return anatomy


def published_pooling(view: View) -> TokenPooling:
    """Mean over all tokens; what the model pools, for classifiers that pool patches."""
    return "patches" if view.classifies and view.pooling == "mean" else "mean"


def published_score(run: Pass, readout: Readout) -> Score:
    """Cosine, but dot where the published code leaves the normalisation out (CoCa)."""
    if readout == "published" and run.attention_pool is not None and not run.attention_pool.normalized:
        return "dot"
    return "cosine"


def corrected(
    view: View, targets: Targets, ask: Callable[[Targets], Tensor], empty_prompt: Callable[[], Tensor]
) -> Tensor:
    """SigLIP's maps light up at places that even the empty prompt lights up: those are set to zero.

    Args:
        ask: LeGrad's relevance of targets, (batch, targets, patches).
        empty_prompt: its embedding, (1, dim).
    """
    if view.classifies or view.pooling != "attention":
        raise BadInput("empty_prompt_correction is for dual encoders with attention pooling (SigLIP)")
    values = targets.embeddings("empty_prompt_correction")
    empty = empty_prompt().to(values.dtype)
    if values.dim() == 3:
        empty = empty.expand(len(values), 1, -1)
    maps = ask(EmbeddingTargets(torch.cat([values, empty], dim=-2)))
    return min_max(maps[:, :-1].masked_fill(min_max(maps[:, -1:]) > 0.8, 0.0))
