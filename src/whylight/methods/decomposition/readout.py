"""From the read-out token to the output: an affine map, once the final norm's statistics are fixed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.methods.decomposition.frozen_norm import FrozenNorm
from whylight.models.readout_token import tokens_at
from whylight.models.view import Pass, View


@dataclass(frozen=True)
class Readout:
    """y = J x + c for the read-out token x after all blocks; J depends on the picture through the final norm.

    Attributes:
        token: x, (batch, width).
        output: y, (batch, dim): an embedding before normalisation, or logits.
        head: x to y.
        name: of the model.
    """

    token: Tensor
    output: Tensor
    head: Callable[[Tensor], Tensor]
    name: str

    def pull(self, directions: Tensor) -> Tensor:
        """Directions d in the output (batch, directions, dim), at the token: Jᵀ d, (batch, directions, width).

        Raises:
            UnsupportedModel: the head is not affine (a tanh pooler, say).
        """
        batch, count = directions.shape[:2]
        with torch.enable_grad():
            token = self.token[:, None].expand(-1, count, -1).flatten(0, 1).detach().requires_grad_()
            with FrozenNorm():
                output = self.head(token)
            seeds = directions.flatten(0, 1).to(output.dtype)
            (pulled,) = torch.autograd.grad(output, token, seeds, create_graph=True)
            # The derivative of an affine map does not depend on where it is taken.
            if pulled.requires_grad:
                (second,) = torch.autograd.grad(pulled.sum(), token, allow_unused=True)
                if second is not None:
                    raise UnsupportedModel(f"{self.name}: the decomposition needs an affine head after the final norm")
        return at_least_float32(pulled.detach()).reshape(batch, count, -1)


def read_out(view: View, run: Pass, tokens: Tensor, rows: Tensor) -> Readout:
    """The way from the tokens after all blocks (batch, tokens, width), read at ``rows`` (batch,), to the output.

    Raises:
        UnsupportedModel: the output is not read from one token.
    """
    token = tokens_at(tokens, rows)
    output = run.readout(tokens)
    own = run.head(token)
    if own.shape != output.shape or (own - output).abs().max() > 0.05 * output.abs().max():
        raise UnsupportedModel(f"{view.name} reads several tokens: the decomposition needs one")
    return Readout(token, output, run.head, view.name)
