"""One pass through a model under a rule set, block by block, and the way back from the last block to the first.

Relevance and gradient go back through the same graph: the model runs once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.models.adapters import warn_of_adapters
from whylight.models.targets import Targets
from whylight.models.view import Inputs, Pass, View
from whylight.passes.full_pass import BlockPass, FullPass
from whylight.passes.layers import layer_index, run_blocks, the_call
from whylight.passes.sharing import shared
from whylight.propagation import Flow, Rules, propagation

RuleSet = Literal["baseline", "conservative"]
"""Names of :data:`whylight.propagation.RULE_SETS`, as methods take them."""

RELEVANCE_BYTES = 256 * 2**20
"""How much the widest layer's relevance may take: targets go through in chunks of this size, or one by one."""

_WIDEST = 16
"""The widest layer's relevance and what its rule needs beside it, in multiples of the tokens."""


@dataclass(frozen=True)
class Stage:
    """A block, or the readout, that was run under rules.

    Attributes:
        tokens: what entered it; relevance goes back as far as here.
        output: what left it.
        calls: the attention calls it made.
    """

    tokens: Tensor
    output: Tensor
    calls: list[AttentionCall]


@dataclass(frozen=True)
class Arrival:
    """What comes to a stage on the way back, (targets, \\*shape) each.

    Attributes:
        relevance: R_O, at the output of the stage's attention.
        gradient: ∂logit/∂O at the same place; None where no gradient was sent.
    """

    call: AttentionCall
    relevance: Tensor
    gradient: Tensor | None


@dataclass(frozen=True)
class Start:
    """Relevance at the output.

    Attributes:
        relevance: of the plain targets that go back, (plain targets, batch, dim).
        weights: of these in each target, (targets, plain targets).
    """

    relevance: Tensor
    weights: Tensor

    def of_targets(self, relevance: Tensor) -> Tensor:
        """What arrived somewhere, (plain targets, \\*shape), as that of the targets, (targets, \\*shape)."""
        if len(self.weights) == len(relevance) and bool(
            self.weights.eq(torch.eye(len(relevance)).to(self.weights)).all()
        ):
            return relevance
        summed: Tensor = torch.tensordot(self.weights.to(relevance), relevance, dims=1)
        return summed


class RelevancePass:
    """An input's way through a model under a rule set.

    Args:
        tokens: what enters block ``first``.
        first: where the way back ends; blocks before it are not run.

    Warns:
        WhylightWarning: the model has adapters that rules see apart; once for each model.
    """

    def __init__(self, view: View, run: Pass, rules: Rules, tokens: Tensor, first: int) -> None:
        warn_of_adapters(view.module, view.name)
        self.view, self.run, self.rules, self.first = view, run, rules, first
        self.flow: Flow
        mode = propagation(rules, masked=run.grid is None)
        self.flow = mode.flow
        self.stages: list[Stage] = []
        for step in (*run.blocks[first:], run.readout):
            entering = mode.begin(tokens)
            seen = len(mode.calls)
            with mode:
                output = step(entering)
            self.stages.append(Stage(entering, output, mode.calls[seen:]))
            tokens = output
        self.output = tokens.detach()

    @cached_property
    def full(self) -> FullPass:
        """The same pass as gradient methods see it.

        Raises:
            UnsupportedModel: a block hides its attention.
        """
        blocks = [
            BlockPass(stage.tokens, None, stage.output, partial(self.call, index))
            for index, stage in enumerate(self.stages[:-1])
        ]
        pooler = None if self.run.attention_pool is None else self.call(len(blocks))
        return FullPass(self.view, self.run, blocks, pooler, self.output)

    def call(self, index: int) -> AttentionCall:
        """The one attention call of a stage."""
        stage = self.stages[index]
        tokens = stage.tokens.shape[1] if index < len(self.stages) - 1 else None
        return the_call(stage.calls, self.view, self.first + index, tokens)

    def chunks(self, targets: Targets) -> Sequence[Targets]:
        """Targets that go back together."""
        tokens = self.stages[-1].tokens
        return targets.chunk(max(1, RELEVANCE_BYTES // (_WIDEST * tokens.numel() * tokens.element_size())))

    def start(self, targets: Targets) -> Start:
        """Relevance of the output that sums to one for each class or embedding of which the targets are sums.

        All of it at the class's logit. A dual encoder's logit is a linear layer whose weights are the prompt's
        embedding: by its rule relevance comes to the embedding; normalising before it hands relevance on unchanged. The
        relevance of a difference is the difference of the two relevances, wherever it arrives: the rules share sums
        out, and its own sum at the output would be zero.

        Raises:
            UnsupportedModel: a target that is no weighted sum of logits.
        """
        plain, weights = targets.terms("relevance propagation")
        output = at_least_float32(self.output)
        directions = plain.directions(output)
        if self.view.classifies:
            return Start(directions.transpose(0, 1), weights.to(output))
        x = output.unsqueeze(1)
        scores = x @ directions.mT
        one_hot = torch.eye(len(plain)).to(output)[:, None, None].expand(-1, len(output), -1, -1)
        return Start(self.rules.linear(one_hot, scores, x, directions, None).squeeze(2), weights.to(output))

    def gradient(self, targets: Targets) -> Tensor:
        """∂logit/∂output, (targets, batch, dim), a dual encoder's scale included."""
        output = self.output.clone().requires_grad_()
        logits = targets.logits(self.view, output)
        return torch.stack([torch.autograd.grad(logit.sum(), output, retain_graph=True)[0] for logit in logits.T])

    def back(self, start: Start, gradient: Tensor | None = None) -> Iterator[Arrival]:
        """Go back from the output: what arrives at the pooler, if there is one, and then at each block, last first.

        Args:
            start, gradient: at the output, see :meth:`start` and :meth:`gradient`.
        """
        relevance = start.relevance
        for index in reversed(range(len(self.stages))):
            stage = self.stages[index]
            at = [] if index == 0 else [stage.tokens]
            pooler = index == len(self.stages) - 1
            call = None if pooler and self.run.attention_pool is None else self.call(index)
            at += [] if call is None else [call.output]
            arriving = self.flow.relevance_at(at, stage.output, relevance)
            gradients = None if gradient is None else self.flow.gradient_at(at, stage.output, gradient)
            if call is not None:
                yield Arrival(call, start.of_targets(arriving[-1]), None if gradients is None else gradients[-1])
            relevance = arriving[0]
            gradient = None if gradients is None else gradients[0]

    def tokens_back(self, start: Start) -> Iterator[Tensor]:
        """Relevance of tokens, (plain targets, batch, tokens, width): what the readout reads, then what enters each
        block; :meth:`Start.of_targets` makes the targets' of it."""
        relevance = start.relevance
        for stage in reversed(self.stages):
            (relevance,) = self.flow.relevance_at([stage.tokens], stage.output, relevance)
            yield relevance


def relevance_pass(view: View, inputs: Inputs, rules: Rules, start_layer: int) -> RelevancePass:
    """Drive a model under rules from ``start_layer`` on (negative counts from the end), and plainly before it.

    With an attentional pooler, layer -1 is its last block: the way back passes the pooler first.
    """
    return shared(view, inputs, ("relevance", rules, start_layer), lambda: _pass(view, inputs, rules, start_layer))


def _pass(view: View, inputs: Inputs, rules: Rules, start_layer: int) -> RelevancePass:
    with torch.no_grad():
        run = view.begin(inputs)
        first = layer_index(start_layer, len(run.blocks))
        tokens = run_blocks(run, run.tokens, stop=first)
    return RelevancePass(view, run, rules, tokens, first)
