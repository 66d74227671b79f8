"""The token that a model reads its output from: a class token, or the end of a text."""

from __future__ import annotations

from torch import Tensor

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
