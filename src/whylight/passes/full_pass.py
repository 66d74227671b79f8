"""One pass through the whole model with all attention calls recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from whylight.attention import AttentionCall, ResidualStream, record_attention
from whylight.attention.call import at_least_float32
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.view import Block, Inputs, Pass, View
from whylight.passes.layers import layer_index, run_again, run_blocks, the_call
from whylight.passes.readout_position import readout_weights
from whylight.passes.sharing import already_made, shared, sharing
from whylight.propagation.libra import libra_is_active

GRAPH_BYTES = {"cpu": 512 * 2**20, "cuda": 4 * 2**30}
"""How much of one picture may be kept; of a larger one only the tokens are, and blocks run again, one at a time."""

_OF_A_BLOCK = {"graph": 20, "call": 5}
"""What is kept of a block, in multiples of its tokens (measured: a vision transformer in float32)."""


@dataclass(frozen=True)
class BlockPass:
    """What one block did.

    Attributes:
        tokens: what entered it, (batch, tokens, width).
        after_attention: tokens after attention and its skip connection; None where not asked for.
        output: what left it.
        record: gives its attention.
    """

    tokens: Tensor
    after_attention: Tensor | None
    output: Tensor
    record: Callable[[], AttentionCall]

    @property
    def call(self) -> AttentionCall:
        """Its attention; the block runs again for it where only its tokens were kept."""
        return self.record()


@dataclass(frozen=True)
class FullPass:
    """An input's way through the whole model.

    Attributes:
        blocks: the recorded blocks, from the start layer on.
        pooler: the attentional pooler's call, where the model has one.
        output: the model's own output, (batch, dim).
        before_readout: what entered the readout, where only tokens were kept; None where a graph was.
        libra: it ran under LibraGrad's rules, and what runs again does so too.
    """

    view: View
    run: Pass
    blocks: list[BlockPass]
    pooler: AttentionCall | None
    output: Tensor
    before_readout: Tensor | None = None
    libra: bool = False

    @property
    def last(self) -> AttentionCall:
        """The last attention map before the output: the pooler's, where the model has one."""
        return self.blocks[-1].call if self.pooler is None else self.pooler

    def readout_weights(self) -> Tensor:
        """How the output reads the rows of the last map: (batch, queries), summing to one.

        The class token's or end-of-text token's row (class and distillation token where both are read); the mean over
        patch rows for mean-pooled models, padding left out; the rows of the pooler's queries for attention-pooled ones.
        """
        if self.pooler is None or self.run.attention_pool is None:
            return readout_weights(self.view, self.run)
        like = at_least_float32(self.run.tokens[:0])
        weights = like.new_zeros(self.run.tokens.shape[0], self.last.queries)
        weights[:, self.run.attention_pool.rows] = 1
        return weights / weights.sum(-1, keepdim=True)

    def up_to(self, layer: int) -> FullPass:
        """The same as if a block's map were the last one (negative counts from the end): without what comes after it.

        Raises:
            BadInput: no such layer, or one before the first that was recorded.
        """
        first = len(self.run.blocks) - len(self.blocks)
        index = layer_index(layer, len(self.run.blocks))
        if index < first:
            raise BadInput(f"layer {layer} comes before start_layer, which is layer {first}")
        return replace(self, blocks=self.blocks[: index - first + 1], pooler=None)

    def start_row(self, through_pooler: Callable[[AttentionCall, Tensor], Tensor]) -> Tensor:
        """The row over the last block's tokens from which a product of maps is carried down: (..., batch, tokens).

        Args:
            through_pooler: row times the pooler's map. Its queries are no tokens, so there is no identity beside it.
        """
        row = self.readout_weights()
        return row if self.pooler is None else self.over_tokens(through_pooler(self.pooler, row))

    def over_tokens(self, row: Tensor) -> Tensor:
        """A row over the pooler's keys as a row over all tokens: some poolers do not read the prefix tokens."""
        tokens = self.run.tokens.shape[1]
        if row.shape[-1] == tokens:
            return row
        if row.shape[-1] != tokens - self.run.prefix:
            raise UnsupportedModel(f"{self.view.name}: its pooler reads {row.shape[-1]} of {tokens} tokens")
        return torch.nn.functional.pad(row, (self.run.prefix, 0))

    def mean_over_patches(self, values: Tensor) -> Tensor:
        """Mean over the patches, or over the real tokens of a text: (..., batch, n, patches) to (..., batch, n, 1)."""
        if self.run.mask is None:
            return values.mean(-1, keepdim=True)
        real = self.run.mask[:, None, self.run.prefix :].to(values.dtype)
        return (values * real).sum(-1, keepdim=True) / real.sum(-1, keepdim=True)

    def patches(self, row: Tensor) -> Tensor:
        """A row over the last map's keys, or over all tokens, without prefix tokens."""
        return self.over_tokens(row)[..., self.run.prefix :]

    def without_own_entry(self, maps: Tensor) -> Tensor:
        """Maps (batch, targets, tokens) of texts with zero for the token that is read out, as published for BERT.

        What that token sees of itself says nothing; pictures have dropped it with the prefix.
        """
        if self.run.grid is not None or self.run.readout_row is None:
            return maps
        return maps.scatter(2, self.run.readout_row[:, None, None].expand(-1, maps.shape[1], 1), 0.0)


def full_pass(view: View, inputs: Inputs, start_layer: int = 0, *, residual: bool = False) -> FullPass:
    """Drive the model and record every block from ``start_layer`` on. Nothing before its attention holds a graph.

    Inside :func:`whylight.passes.sharing.shared_passes` it is driven once for all methods and start layers.

    Args:
        start_layer: negative counts from the end.
        residual: keep each block's tokens after attention.

    Raises:
        BadInput: no such layer.
        UnsupportedModel: a block hides its attention.
    """
    if not sharing():
        return _full_pass(view, inputs, start_layer, residual)
    with torch.enable_grad():  # the method that comes first may need no gradients, and the next one may
        whole = shared(view, inputs, ("full", residual), lambda: _full_pass(view, inputs, 0, residual))
    return replace(whole, blocks=whole.blocks[layer_index(start_layer, len(whole.blocks)) :])


def shared_full_pass(view: View, inputs: Inputs) -> FullPass | None:
    """The pass that was driven before for other methods, where one was."""
    for residual in (False, True):
        found: FullPass | None = already_made(view, inputs, ("full", residual))
        if found is not None:
            return found
    return None


def _full_pass(view: View, inputs: Inputs, start_layer: int, residual: bool) -> FullPass:
    with torch.no_grad():
        run = view.begin(inputs)
    return drive(view, run, run.tokens, layer_index(start_layer, len(run.blocks)), residual=residual)


def last_map(view: View, inputs: Inputs) -> FullPass:
    """Drive the model and record only the last attention map: the last block's, or the pooler's."""
    if sharing():
        whole = full_pass(view, inputs)
        return replace(whole, blocks=whole.blocks[-1:] if whole.pooler is None else [])
    with torch.no_grad():
        run = view.begin(inputs)
    return drive_to_last_map(view, run, run.tokens)


def drive_to_last_map(view: View, run: Pass, tokens: Tensor) -> FullPass:
    """The same from given tokens."""
    return drive(view, run, tokens, len(run.blocks) - (run.attention_pool is None))


def drive(view: View, run: Pass, tokens: Tensor, first: int, *, residual: bool = False) -> FullPass:
    """The blocks from ``tokens`` to the output, recorded from block ``first`` on."""
    with torch.no_grad():
        tokens = run_blocks(run, tokens, stop=first)
    graph = torch.is_grad_enabled()
    kept = _OF_A_BLOCK["graph" if graph else "call"] * (len(run.blocks) - first)
    kept_bytes = kept * tokens[:1].numel() * tokens.element_size()
    once_more = kept_bytes > GRAPH_BYTES.get(tokens.device.type, GRAPH_BYTES["cuda"])
    blocks: list[BlockPass] = []
    with torch.set_grad_enabled(graph and not once_more):
        for layer, block in enumerate(run.blocks[first:], first):
            entering = tokens
            # The first recorded output is a leaf: gradients of the maps above need no graph below it.
            with record_attention(leaves=layer == first) as calls:
                if residual:
                    with ResidualStream(entering) as stream:
                        tokens = block(entering)
                    after_attention = _after_attention(view, layer, entering, stream)
                else:
                    tokens, after_attention = block(entering), None
            call = the_call(calls, view, layer, entering.shape[1])
            last = layer == len(run.blocks) - 1
            again = partial(_recorded_again, view, block, layer, entering.detach())
            record = again if once_more and not last else partial(_same, call)
            blocks.append(BlockPass(entering.detach(), after_attention, tokens.detach(), record))
        with record_attention(leaves=not blocks) as calls:
            output = run.readout(tokens)
    pooler = None if run.attention_pool is None else the_call(calls, view, len(run.blocks))
    return FullPass(view, run, blocks, pooler, output, tokens if once_more else None, libra_is_active())


def _same(call: AttentionCall) -> AttentionCall:
    return call


@torch.no_grad()
def _recorded_again(view: View, block: Block, layer: int, tokens: Tensor) -> AttentionCall:
    _, _, calls = run_again(block, tokens)
    return the_call(calls, view, layer, tokens.shape[1])


def _after_attention(view: View, layer: int, entering: Tensor, stream: ResidualStream) -> Tensor:
    if not stream.branches:
        raise UnsupportedModel(f"{view.name}: layer {layer} does not add its attention to its tokens")
    return (entering + stream.branches[0]).detach()
