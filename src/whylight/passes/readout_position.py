"""The tokens that a model reads its output from: a class token, the end of a text, or all patches."""

from __future__ import annotations

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.models.view import Pass, View


def readout_positions(view: View, run: Pass, method: str) -> Tensor:
    """Which token each input's output is read from, (batch,).

    Raises:
        UnsupportedModel: the model pools in another way.
    """
    if run.readout_row is None:
        how = "reads several tokens" if view.pooling == "class_token" else f"pools by {view.pooling}"
        raise UnsupportedModel(
            f"{view.name} {how}: {method} is defined for models that read their output from one token (a class token, "
            "or the end of a text)"
        )
    return run.readout_row


def readout_weights(view: View, run: Pass) -> Tensor:
    """The share of each token in what is read after a block, (batch, tokens), summing to one, at least float32.

    Attention-pooled models read all patches alike here: their pooler's own queries are no tokens.
    """
    weights = torch.zeros_like(at_least_float32(run.tokens[..., 0]))
    if run.readout_row is not None:
        weights.scatter_(1, run.readout_row[:, None], 1)
    elif view.pooling == "class_token":
        weights[:, : run.prefix] = 1
    else:
        weights[:, run.prefix :] = 1
        weights = weights if run.mask is None else weights * run.mask
    return weights / weights.sum(-1, keepdim=True)
