"""Driving blocks one after the other, and the one attention call that each of them makes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from torch import Tensor

from whylight.attention import AttentionCall, record_attention
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.view import Pass, View
from whylight.propagation.libra import libra_gradients, libra_is_active


def layer_index(start_layer: int, layers: int) -> int:
    """A layer counted from 0, or from the end where negative, as an index.

    Raises:
        BadInput: there is no such layer.
    """
    index = start_layer + layers if start_layer < 0 else start_layer
    if not 0 <= index < layers:
        raise BadInput(f"start_layer {start_layer} is outside a model of {layers} layers")
    return index


def run_blocks(run: Pass, tokens: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
    """Tokens through the blocks ``start`` to ``stop``."""
    for block in run.blocks[start:stop]:
        tokens = block(tokens)
    return tokens


def run_again(
    step: Callable[[Tensor], Tensor], entering: Tensor, *, libra: bool = False
) -> tuple[Tensor, Tensor, list[AttentionCall]]:
    """A block or the readout, run again: what enters it as a leaf of a graph, what leaves it, its attention calls.

    Args:
        libra: under LibraGrad's rules.
    """
    entering = entering.detach().requires_grad_()
    with libra_gradients() if libra and not libra_is_active() else nullcontext(), record_attention() as calls:
        output = step(entering)
    return entering, output, calls


def the_call(calls: list[AttentionCall], view: View, layer: int, tokens: int | None = None) -> AttentionCall:
    """The one call that a block must have made; with ``tokens``, one in which all of these attend to each other.

    Raises:
        UnsupportedModel: none (attention written out by hand), several, or of another shape.
    """
    if not calls:
        raise UnsupportedModel(
            f"{view.name}: layer {layer} hides its attention (it is written out by hand). Switch the model to fused "
            "attention: timm: set `fused_attn = True` on each attention module (or leave TIMM_FUSED_ATTN unset before "
            'creating the model); transformers: load it with attn_implementation="sdpa"'
        )
    if len(calls) > 1:
        raise UnsupportedModel(
            f"{view.name}: layer {layer} makes {len(calls)} attention calls; one per block is supported"
        )
    call = calls[0]
    if tokens is not None and (call.queries != tokens or call.keys != tokens):
        raise UnsupportedModel(
            f"{view.name}: layer {layer} attends in windows or changes its tokens, which has no common grid"
        )
    return call
