"""The whole split at once, for those who want every number of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.methods.decomposition.split import split_output
from whylight.models.inputs import check_inputs
from whylight.models.view import Inputs, View


@dataclass(frozen=True)
class Decomposition:
    """A model's output as a sum over layers, tokens and heads.

    ``attention.sum((1, 2, 3)) + mlp.sum(1)`` is the L2-normalised embedding, or a classifier's logits.

    Attributes:
        attention: (batch, layers, tokens, heads, dim), prefix tokens (class, registers) included.
        mlp: (batch, 1 + layers, dim): the embedded read-out token, then each layer's MLP.
        prefix: how many tokens stand before the patches.
    """

    attention: Tensor
    mlp: Tensor
    prefix: int


def decompose(view: View, inputs: Inputs) -> Decomposition:
    """Split the output of every input exactly (Gandelsman et al., ICLR 2024; LayerNorm folded in, see ``split``).

    Holds batch x layers x tokens x heads x dim numbers: 0.3 GB a picture for a ViT-L/14. Where only a few directions of
    the output matter, ``relevance(..., method="decomposition")`` needs a fraction.

    Args:
        inputs: (batch, 3, H, W) pixels, or for text a mapping with ``input_ids``.

    Raises:
        UnsupportedModel: the output is not read from one token, or the model is in training mode.
    """
    check_inputs(view, inputs)
    view.check_ready()
    with torch.inference_mode(False), torch.no_grad():
        split = split_output(view, view.place(inputs))
        every = split.every_direction()
        attention = torch.stack([split.attention(layer, every) for layer in range(len(split.attentions))], dim=1)
        return Decomposition(attention, split.mlp(every), split.prefix)
