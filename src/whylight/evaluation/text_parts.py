"""Words and their pieces: scores of words out of those of pieces, and texts with only some of their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from whylight.evaluation.estimates import Array
from whylight.models.scores import as_scores
from whylight.models.view import View
from whylight.models.words import Span


def words_of_pieces(words: Sequence[Span], offsets: Sequence[Span]) -> Tensor:
    """The number of the word that each piece stands in: (pieces,); -1 for special pieces and padding.

    Args:
        words: (start, end) in characters, in order and apart; a piece never reaches over white space.
        offsets: of the pieces; (0, 0) for special ones.
    """
    starts = torch.tensor([start for start, _ in words])
    places = torch.tensor([tuple(offset) for offset in offsets])
    owner = torch.searchsorted(starts, places[:, 0].contiguous(), right=True) - 1
    return torch.where(places[:, 0] < places[:, 1], owner, -1)


def word_maxima(scores: Tensor, owner: Tensor, words: int) -> Tensor:
    """The largest score of each word's pieces: (words,); NaN for words without a piece, because the text was cut."""
    own = owner >= 0
    maxima = scores.new_full((words,), torch.nan)
    return maxima.scatter_reduce(0, owner[own], scores[own], "amax", include_self=False)


def only(inputs: Mapping[str, Tensor], owner: Tensor, words: Tensor, padding: int) -> dict[str, Tensor]:
    """A text with only some of its words, their pieces closed up; special pieces stay, the rest is padding.

    Args:
        inputs: one row, (1, pieces) each.
        owner: see :func:`words_of_pieces`.
        words: (variants, words) which words each variant keeps.
        padding: id of the padding piece.

    Returns:
        Inputs (variants, pieces of the longest variant).
    """
    real = inputs["attention_mask"][0].bool().cpu() if "attention_mask" in inputs else torch.ones_like(owner).bool()
    kept = torch.where(owner >= 0, words[:, owner.clamp(min=0)], True) & real
    count = kept.sum(1)
    order = (~kept).long().argsort(dim=1, stable=True)[:, : int(count.max())]
    mask = torch.arange(order.shape[1]) < count[:, None]
    chosen = {name: value[0].cpu()[order] for name, value in inputs.items()}
    chosen["input_ids"] = chosen["input_ids"].where(mask, padding)
    chosen["attention_mask"] = mask.long()
    return {name: value.to(inputs["input_ids"].device) for name, value in chosen.items()}


@torch.no_grad()
def in_probability(view: View, inputs: Mapping[str, Tensor], number: int) -> Array:
    """The probability of a class for each row, or what the view's ``scores`` make of it: (rows,)."""
    probabilities: Array = as_scores(view.output(inputs), view.scores)[:, number].float().cpu().numpy()
    return probabilities
