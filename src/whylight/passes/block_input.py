"""The tokens that enter a block, for methods that need a graph from there on only."""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.models.view import Inputs, Pass, View
from whylight.passes.full_pass import full_pass
from whylight.passes.layers import layer_index, run_blocks
from whylight.passes.sharing import sharing


def block_input(view: View, inputs: Inputs, layer: int) -> tuple[Pass, int, Tensor]:
    """A pass, the index of a block (negative counts from the end), and what enters it, without a graph.

    Inside :func:`whylight.passes.sharing.shared_passes` they come from the pass that all methods share.

    Raises:
        BadInput: no such layer.
    """
    if sharing() and not view.windowed:
        full = full_pass(view, inputs)
        index = layer_index(layer, len(full.blocks))
        return full.run, index, full.blocks[index].tokens
    with torch.no_grad():
        run = view.begin(inputs)
        index = layer_index(layer, len(run.blocks))
        return run, index, run_blocks(run, run.tokens, stop=index)
