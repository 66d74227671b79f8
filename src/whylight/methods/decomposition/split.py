"""The token that the output is read from, as the sum of everything that blocks added to it.

Gandelsman et al., "Interpreting CLIP's Image Representation via Text-Based Decomposition", ICLR 2024, section 3.
With x the read-out token after all blocks, x_0 before them, a_h its row of attention in head h of a layer,

    x = x_0 + Σ_layers ( Σ_heads Σ_tokens a_h[j] v_h[j] W_h + b ) + Σ_layers MLP
    output = J x + c                                         (whylight.methods.decomposition.readout)

Constants belong to no part, so each part gets the same: b is spread over the heads and tokens of its layer, c over the
1 + 2 layers parts, and an attention's share of it over its heads and tokens. Padding gets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.attention import AttentionCall, OutputProjection, ResidualStream, output_projection, record_attention
from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.methods.decomposition.readout import Readout, read_out
from whylight.models.readout_token import tokens_at
from whylight.models.view import Inputs, View
from whylight.passes.layers import the_call
from whylight.passes.readout_position import readout_positions


@dataclass(frozen=True)
class AttentionPart:
    """What one block's attention adds to the read-out token.

    Attributes:
        values: a_h[j] v_h[j], (batch, heads, tokens, head width).
        projection: W_h and b.
    """

    values: Tensor
    projection: OutputProjection


@dataclass(frozen=True)
class Directions:
    """Directions d in the output, seen from the read-out token.

    Attributes:
        at_token: Jᵀ d, (batch, directions, width).
        share: what each part gets of c · d, (batch, directions).
    """

    at_token: Tensor
    share: Tensor


@dataclass(frozen=True)
class Split:
    """The parts of the read-out token, of which any number of directions can be asked.

    Attributes:
        attentions: one part per layer.
        mlps: (batch, 1 + layers, width): x_0, then what each MLP adds.
        readout: from the sum of all parts to the output.
        scale: (batch,): 1 / ‖output‖ for embeddings, whose parts add up to the normalised output; 1 for logits.
        spread: (batch, tokens): each token's part of a constant, the same for all real tokens; sums to one.
        prefix: how many tokens stand before the patches.
    """

    attentions: list[AttentionPart]
    mlps: Tensor
    readout: Readout
    scale: Tensor
    spread: Tensor
    prefix: int

    def directions(self, directions: Tensor) -> Directions:
        """Directions (batch, directions, dim), or (directions, dim) for all inputs, as the token sees them."""
        output = at_least_float32(self.readout.output)
        directions = directions.to(output).expand(len(output), -1, -1) * self.scale[:, None, None]
        at_token = self.readout.pull(directions)
        constant = torch.einsum("bd,btd->bt", output, directions)
        constant = constant - torch.einsum("bw,btw->bt", at_least_float32(self.readout.token), at_token)
        return Directions(at_token, constant / (1 + 2 * len(self.attentions)))

    def every_direction(self) -> Directions:
        """One direction for each dimension of the output, so that contributions are vectors."""
        dim = self.readout.output.shape[-1]
        return self.directions(torch.eye(dim, device=self.scale.device, dtype=self.scale.dtype))

    def attention(self, layer: int, directions: Directions) -> Tensor:
        """What each token adds through each head of a layer, (batch, tokens, heads, directions)."""
        part = self.attentions[layer]
        through_heads = torch.einsum("hdw,btw->bhdt", part.projection.weight, directions.at_token)
        constant = directions.at_token @ part.projection.bias + directions.share
        constants = constant[:, None, None] * self.spread[..., None, None] / part.values.shape[1]
        return (part.values @ through_heads).transpose(1, 2) + constants

    def mlp(self, directions: Directions) -> Tensor:
        """What the embedded token and each MLP add, (batch, 1 + layers, directions)."""
        return self.mlps @ directions.at_token.transpose(1, 2) + directions.share[:, None]


@torch.no_grad()
def split_output(view: View, inputs: Inputs) -> Split:
    """Run the model once and keep the parts of the token that its output is read from.

    Args:
        inputs: on the view's device and in its dtype (``view.place``).

    Raises:
        UnsupportedModel: the output is not read from one token, or a block is not a sum of tokens, attention and MLP.
    """
    run = view.begin(inputs)
    rows = readout_positions(view, run, "the decomposition")
    tokens, attentions, mlps = run.tokens, [], [tokens_at(run.tokens, rows)]
    for layer, block in enumerate(run.blocks):
        with record_attention() as calls, ResidualStream(tokens) as stream:
            output = block(tokens)
        call = the_call(calls, view, layer, tokens.shape[1])
        projection = output_projection(block, tokens)
        before, after = tokens_at(tokens, rows), tokens_at(output, rows)
        attention = projection(tokens_at(call.output.transpose(1, 2), rows)[:, :, None])[:, 0]
        if stream.sum is not output or not _close(attention, tokens_at(stream.branches[0], rows)):
            raise UnsupportedModel(
                f"{view.name}: the decomposition needs layers that add attention and MLP to their tokens (pre-norm), "
                f"and layer {layer} does not"
            )
        attentions.append(AttentionPart(_weighted_values(call, rows), projection))
        mlps.append(at_least_float32(after) - at_least_float32(before) - attention)
        tokens = output
    readout = read_out(view, run, tokens, rows)
    norm = at_least_float32(readout.output).norm(dim=-1)
    scale = torch.ones_like(norm) if view.classifies else 1 / norm
    real = torch.ones_like(tokens[..., 0]) if run.mask is None else run.mask
    spread = real.to(norm) / real.sum(1, keepdim=True)
    parts = torch.stack([at_least_float32(part) for part in mlps], dim=1)
    return Split(attentions, parts, readout, scale, spread, run.prefix)


def _weighted_values(call: AttentionCall, rows: Tensor) -> Tensor:
    """a[j] v[j] with each input's own row of the map, (batch, heads, tokens, head width)."""
    first = int(rows.min())
    attention = call.attention(slice(first, int(rows.max()) + 1))
    row = tokens_at(attention.transpose(1, 2), rows - first)
    return row[..., None] * at_least_float32(call.value)


def _close(value: Tensor, other: Tensor) -> bool:
    other = at_least_float32(other)
    return bool((value - other).abs().max() <= 0.05 * other.abs().max())
