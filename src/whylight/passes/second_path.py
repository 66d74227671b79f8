"""A second path of tokens beside the model's own: attention of another kind is added to it, and no MLP.

CLIP Surgery and GEM look at patches this way. The second path begins as a copy of the tokens that enter a block.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from whylight.attention import AttentionCall, output_projection, record_attention
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.view import Pass, View
from whylight.passes.first_norm import FirstNorm
from whylight.passes.layers import the_call

Attend = Callable[[AttentionCall, Tensor], Tensor]
"""A block's attention call and what it read, (batch, tokens, width), to what takes the place of A V."""


def second_path(view: View, run: Pass, start_layer: int, attend: Attend, method: str) -> tuple[Tensor, Tensor]:
    """The model's own tokens and those of the second path after the last block, (batch, tokens, width) each.

    Args:
        start_layer: where the second path begins; negative counts from the end, and models with fewer layers take all.
        attend: its result goes through the block's own output projection, bias and layer scale included.

    Raises:
        BadInput: there is no such layer.
        UnsupportedModel: a text, or blocks whose norm comes after the attention.
    """
    if run.grid is None:
        raise UnsupportedModel(f"{view.name} reads text: {method} is defined for pictures")
    count = len(run.blocks)
    first = max(start_layer + count, 0) if start_layer < 0 else start_layer
    if first >= count:
        raise BadInput(f"start_layer {start_layer} is outside a model of {count} layers")
    tokens = path = run.tokens
    for layer, block in enumerate(run.blocks):
        path = tokens if layer == first else path
        with FirstNorm(tokens.shape) as norm, record_attention() as calls:
            output = block(tokens)
        if layer >= first:
            if norm.output is None:
                raise UnsupportedModel(
                    f"{view.name} norms after its attention: {method} is defined for pre-norm blocks"
                )
            call = the_call(calls, view, layer, tokens.shape[1])
            path = path + output_projection(block, tokens)(attend(call, norm.output)).to(path.dtype)
        tokens = output
    return tokens, path
