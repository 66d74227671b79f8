"""Scores of a text's words out of the scores of the pieces that a tokenizer cut them into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from whylight.models.words import Span, Word

Pieces = Literal["max", "mean", "sum"]


def word_scores(
    words: Sequence[Word],
    offsets: Sequence[Span],
    scores: Tensor,
    pieces: Pieces = "max",
    read: Sequence[Span] | None = None,
) -> Tensor:
    """Scores of words out of the scores of their pieces.

    Args:
        words: stretches of the text, in order.
        offsets: (start, end) of every token in characters of the text; (0, 0) for special tokens, which count for no
            word.
        scores: (targets, tokens).
        pieces: what a word makes of its pieces: the strongest ("max", by magnitude where scores are signed), their mean
            or their sum.
        read: the stretches of the text that the model has read; default: all.

    Returns:
        (targets, words); zero for words that the tokenizer drops, NaN for words that the model has not read.
    """
    result = scores.new_zeros(len(scores), len(words))
    tokens = sorted((start, end, i) for i, (start, end) in enumerate(offsets) if end > start)
    first = 0
    for column, word in enumerate(words):
        while first < len(tokens) and tokens[first][1] <= word.start:
            first += 1
        own: list[int] = []
        last = first
        while last < len(tokens) and tokens[last][0] < word.end:
            own += [tokens[last][2]] if tokens[last][1] > word.start else []
            last += 1
        if own:
            result[:, column] = _pooled(scores[:, own], pieces)
        elif read is not None and not any(start < word.end and word.start < end for start, end in read):
            result[:, column] = torch.nan
    return result


def _pooled(scores: Tensor, pieces: Pieces) -> Tensor:
    if pieces == "max":
        return scores.gather(1, scores.abs().argmax(1, keepdim=True))[:, 0]
    return scores.mean(1) if pieces == "mean" else scores.sum(1)
