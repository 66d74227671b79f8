"""Gradients of scores at all attention calls of a pass, from one backward pass for each target.

Where the pass kept its graph, it goes back through that. Where it kept tokens only, each block runs again when its turn
comes, and no more than its own graph is held. A logit is the model's own, a dual encoder's scale included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.models.targets import Targets
from whylight.passes.full_pass import FullPass
from whylight.passes.layers import run_again, the_call

GRADIENT_BYTES = 256 * 2**20
"""How much the gradients of all layers may take together: targets go through in chunks of this size, or one by one."""


@dataclass(frozen=True)
class Gradients:
    """∂score/∂(attention output) for a chunk of targets.

    Attributes:
        pooler: (targets, batch, heads, queries, head width) at the attentional pooler, where the model has one.
        from_last: goes from the last recorded block to the first: each one's call and the same at its output. Where
            no graph was kept, a block runs again when its turn comes.
    """

    pooler: Tensor | None
    from_last: Callable[[], Iterator[tuple[AttentionCall, Tensor]]]

    @property
    def last(self) -> Tensor:
        return next(self.from_last())[1] if self.pooler is None else self.pooler


def logit_gradients(full: FullPass, targets: Targets) -> Iterator[Gradients]:
    """Gradients of the targets' logits at every recorded call, chunk by chunk."""
    return score_gradients(full, partial(targets.logits, full.view))


def score_gradients(full: FullPass, score: Callable[[Tensor], Tensor]) -> Iterator[Gradients]:
    """The same for any score of the output, (batch, dim) to (batch, targets), which stays outside the pass's rules."""
    held = [block.output for block in full.blocks] + ([] if full.pooler is None else [full.pooler.output])
    size = max(1, GRADIENT_BYTES // sum(tensor.numel() * tensor.element_size() for tensor in held))
    with torch.enable_grad():
        output = full.output.detach().requires_grad_()
        scores = score(output).sum(0)
    for chunk in scores.split(size):
        seeds = [torch.autograd.grad(one, output, retain_graph=True)[0] for one in chunk]
        if full.before_readout is None:
            yield _through_graph(full, seeds)
        else:
            yield _running_again(full, seeds, full.before_readout)


def _through_graph(full: FullPass, seeds: list[Tensor]) -> Gradients:
    calls = [block.call for block in reversed(full.blocks)]
    outputs = [call.output for call in (calls if full.pooler is None else [full.pooler, *calls])]
    each = [torch.autograd.grad(full.output, outputs, seed, retain_graph=True) for seed in seeds]
    stacked = [torch.stack(of_one_call) for of_one_call in zip(*each, strict=True)]
    pooler = None if full.pooler is None else stacked.pop(0)
    return Gradients(pooler, partial(zip, calls, stacked, strict=True))


@torch.enable_grad()
def _running_again(full: FullPass, seeds: list[Tensor], before_readout: Tensor) -> Gradients:
    tokens, output, calls = run_again(full.run.readout, before_readout, libra=full.libra)
    at = [tokens] if full.pooler is None else [tokens, the_call(calls, full.view, len(full.run.blocks)).output]
    each = [torch.autograd.grad(output, at, seed, retain_graph=True) for seed in seeds]
    pooler = None if full.pooler is None else torch.stack([gradients[1] for gradients in each])
    return Gradients(pooler, partial(_through_blocks_again, full, [gradients[0] for gradients in each]))


def _through_blocks_again(full: FullPass, arriving: list[Tensor]) -> Iterator[tuple[AttentionCall, Tensor]]:
    """From gradients that arrive at the last block's output, one for each target, down to the first block."""
    first = len(full.run.blocks) - len(full.blocks)
    for layer in reversed(range(first, len(full.run.blocks))):
        with torch.enable_grad():
            tokens, output, calls = run_again(
                full.run.blocks[layer], full.blocks[layer - first].tokens, libra=full.libra
            )
            call = the_call(calls, full.view, layer, tokens.shape[1])
            at = [call.output, tokens][: 1 if layer == first else 2]
            each = [torch.autograd.grad(output, at, gradient, retain_graph=True) for gradient in arriving]
        arriving, of_call = [gradients[-1] for gradients in each], torch.stack([gradients[0] for gradients in each])
        del tokens, output, calls, at, each  # the graph, before another one is built
        yield call.detached(), of_call
