"""Relevance at a picture's tokens carried on through the tower that made them, where these are the tower's patches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.errors import BadInput, UnsupportedModel
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import AnswerPass, Words


@dataclass(frozen=True)
class TowerPass:
    """The picture's way through its tower.

    Attributes:
        features: what stands for the picture in the sequence, (picture tokens, width), with their graph.
        calls: attention of the blocks that these come from.
    """

    features: Tensor
    calls: Sequence[AttentionCall]

    def gradients(self, driven: AnswerPass, words: Words) -> list[Tensor]:
        """G_O of every call, of the target's score."""
        (entering,) = torch.autograd.grad(driven.score(words), driven.entering, retain_graph=True)
        outputs = [call.output for call in self.calls]
        return list(torch.autograd.grad(self.features, outputs, entering[0, driven.picture], retain_graph=True))

    def carried(self, row: Tensor, picture: Tensor, step: Callable[[int, Tensor], Tensor]) -> Tensor:
        """Relevance of all tokens, (1, tokens), with that of the picture's carried down to the tower's patches.

        Args:
            picture: (tokens,), True at the picture's.
            step: a call's number, and the row (1, patches) behind its block, to that before it; numbers fall.
        """
        patches = torch.nn.functional.pad(row[:, picture], (self.calls[0].keys - int(picture.sum()), 0))
        for index in reversed(range(len(self.calls))):
            patches = step(index, patches)
        carried = row.clone()
        carried[:, picture] = patches[:, -int(picture.sum()) :]
        return carried


def tower_pass(view: View, run: AnsweringPass, start_layer: int) -> TowerPass:
    """The tower of a question about one picture.

    Raises:
        BadInput: not from the language model's first layer on, or there is no picture.
        UnsupportedModel: its tokens are not the tower's patches one by one.
    """
    if start_layer != 0:
        raise BadInput("tower=True goes through all layers: leave start_layer out")
    if run.look is None or not bool(run.image.any()):
        raise BadInput("tower=True is for a question about a picture")
    with torch.enable_grad():
        features, calls = run.look()
        if not one_key_each(calls, int(run.image[0].sum())):
            raise UnsupportedModel(
                f"{view.name}: tower=True needs one token of the language model for each patch of the tower, of one "
                "picture; here they are merged, cut into tiles, or of several pictures"
            )
        used = torch.autograd.grad(features.sum(), [c.output for c in calls], retain_graph=True, allow_unused=True)
    return TowerPass(features, [call for call, gradient in zip(calls, used, strict=True) if gradient is not None])


def one_key_each(calls: Sequence[AttentionCall], count: int) -> bool:
    """Every block made one call, of one picture, with one key for each token of the language model, and one before
    them at most."""
    return bool(calls) and all(len(call.key) == 1 and call.keys - count in (0, 1) for call in calls)
