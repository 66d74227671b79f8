"""One layer of one input: its attention and what leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.attention import AttentionCall, record_attention
from whylight.models.view import Inputs, Pass, View
from whylight.passes.layers import layer_index, run_blocks, the_call


@dataclass(frozen=True)
class LayerPass:
    """What one block did.

    Attributes:
        run: the pass that it is part of.
        tokens: what left the block, (batch, tokens, width).
        call: its attention.
    """

    run: Pass
    tokens: Tensor
    call: AttentionCall


@torch.no_grad()
def one_layer(view: View, inputs: Inputs, layer: int) -> LayerPass:
    """Drive the model as far as one layer; negative counts from the end. No later block runs.

    Raises:
        BadInput: no such layer.
        UnsupportedModel: the block hides its attention, or attends in windows.
    """
    run = view.begin(view.place(inputs))
    index = layer_index(layer, len(run.blocks))
    tokens = run_blocks(run, run.tokens, stop=index)
    with record_attention() as calls:
        output = run.blocks[index](tokens)
    return LayerPass(run, output, the_call(calls, view, index, tokens=tokens.shape[1]))
