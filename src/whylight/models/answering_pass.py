"""A question, and an answer behind it, on its way through a language model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from whylight.attention import AttentionCall
from whylight.models.picture_grid import Grid
from whylight.models.view import Block, Pass

RowBlock = Callable[[Tensor, Tensor], Tensor]
"""A block that is handed some rows of its tokens, (batch, rows, width), and which they are. Right only while its
attention is replaced by what the rows attended to; all else in a decoder layer works on each row alone."""


Look = Callable[[], tuple[Tensor, list[AttentionCall]]]
"""To the pictures' tokens as they enter the sequence, (tokens, width), and the attention of their way there."""


@dataclass(frozen=True, kw_only=True)
class AnsweringPass(Pass):
    """A pass whose ``head`` gives logits of the word that follows each token.

    Attributes:
        image: (batch, tokens), True at the picture's tokens.
        row_blocks: each block for some rows alone.
        norm: the final norm, tokens (..., width) to what the head multiplies.
        vocabulary: the head's matrix, (words, width).
        ids: the sequence, (batch, tokens).
        answer: how many tokens at its end are the answer.
        pictures: where the tokens of each picture lie; empty where nobody has looked.
        look: drives the pictures through the tower once more, with a graph.
    """

    image: Tensor
    row_blocks: Sequence[RowBlock]
    norm: Block
    vocabulary: Tensor
    ids: Tensor
    answer: int = 0
    pictures: Sequence[Sequence[Grid]] = ()
    look: Look | None = None

    @property
    def behind(self) -> int:
        """The first position behind all of the pictures' tokens; 0 where there are none."""
        places = self.image[0].nonzero()
        return int(places[-1]) + 1 if len(places) else 0

    @property
    def grids(self) -> list[Grid]:
        """Where tokens lie, of all pictures together."""
        return [grid for grids in self.pictures for grid in grids]
