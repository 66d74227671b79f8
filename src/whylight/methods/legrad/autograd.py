"""LeGrad by autograd: for any model, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from whylight.attention import AttentionCall, gradient_relevance, record_attention
from whylight.models.readout_token import tokens_at
from whylight.models.targets import Score, Targets
from whylight.models.view import Pass, View
from whylight.passes.layers import the_call

TokenPooling = Literal["mean", "class_token", "patches"]
Readout = Literal["published", "model"]


@dataclass(frozen=True)
class GraphLayer:
    """One layer of one input, whose graph leads from its attention's output to its pooled tokens' output.

    Attributes:
        call: its attention, or the pooler's.
        output: (batch, dim) that s_l is a score of.
        rows: the queries to average over.
        query_mask: (batch, queries), True for real tokens; None where all are.
        prefix: how many of the keys stand before the patches.
    """

    call: AttentionCall
    output: Tensor
    rows: slice
    query_mask: Tensor | None
    prefix: int

    def relevance(self, targets: Targets, score: Score, *, centered: bool, create_graph: bool = False) -> Tensor:
        """E_l for every target, (batch, targets, patches). The graph stays for further targets."""
        scores = targets.scores(self.output, score)
        parts = []
        for index in range(scores.shape[1]):
            (gradient,) = torch.autograd.grad(
                scores[:, index].sum(), self.call.output, retain_graph=True, create_graph=create_graph
            )
            with torch.set_grad_enabled(create_graph):  # the values hold a graph of their own
                part = gradient_relevance(
                    self.call, gradient, rows=self.rows, centered=centered, query_mask=self.query_mask
                )
            parts.append(part)
        return torch.stack(parts, dim=1)[..., self.prefix :]

    def kept(self) -> GraphLayer:
        """The same layer with no more than later targets need."""
        return replace(self, call=replace(self.call.values_only(), output=self.call.output))

    def tensors(self) -> Iterator[Tensor]:
        """What it and its graph hold, parameters of the model among them."""
        yield from (*self.call.tensors(), self.output)
        if self.query_mask is not None:
            yield self.query_mask
        nodes, seen = [self.output.grad_fn], set()
        while nodes:
            node = nodes.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            nodes.extend(after for after, _ in node.next_functions)
            for name in dir(node):
                saved = getattr(node, name) if name.startswith("_saved_") else ()
                several = saved if isinstance(saved, (tuple, list)) else (saved,)
                yield from (tensor for tensor in several if isinstance(tensor, Tensor))


def graph_layers(
    view: View, run: Pass, *, first: int, pooling: TokenPooling, readout: Readout, create_graph: bool = False
) -> Iterator[GraphLayer]:
    """Drive the blocks and yield layers from ``first`` on, each with the graph of its own block only."""
    tokens, pooler = run.tokens, run.attention_pool
    for layer, block in enumerate(run.blocks):
        if layer < first or pooler is not None:
            with torch.set_grad_enabled(create_graph):
                tokens = block(tokens)
            if layer < first:
                continue
        with record_attention(leaves=not create_graph) as calls:
            if pooler is not None:
                output = getattr(pooler, readout)(tokens)
            else:
                tokens = block(tokens if create_graph else tokens.detach())
                output = run.head(pool(run, tokens, pooling))
        call = the_call(calls, view, layer)
        if pooler is None:
            yield GraphLayer(call, output, slice(None), run.mask, run.prefix)
        else:
            yield GraphLayer(call, output, pooler.rows, None, pooler.prefix)


def pool(run: Pass, tokens: Tensor, pooling: TokenPooling) -> Tensor:
    """One vector per input, (batch, width); means leave padding out."""
    if pooling == "class_token":
        return tokens[:, 0] if run.readout_row is None else tokens_at(tokens, run.readout_row)
    if run.mask is None:
        return tokens[:, run.prefix :].mean(1) if pooling == "patches" else tokens.mean(1)
    weights = run.mask.to(tokens.dtype)
    return (tokens * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
