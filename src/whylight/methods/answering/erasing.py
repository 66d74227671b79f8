"""Erasing: how much less sure of a word the model is without some of the picture's tokens.

Each window of a grid is replaced by the mean of the picture's tokens, as the language model is given them; the fall of
the word's log-odds is laid on all tokens of the window, mean over the windows that hold a token.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", arXiv 1311.2901, ECCV 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from whylight.attention.call import at_least_float32
from whylight.errors import BadInput
from whylight.methods.answering.registry import answer_method
from whylight.models.answering_pass import AnsweringPass
from whylight.models.view import View
from whylight.passes.answer_pass import Words, leaving_tokens
from whylight.passes.layers import run_blocks


@answer_method(
    "erasing",
    summary="fall of the word's log-odds where a window of the picture's tokens is replaced by their mean",
    citation="after Zeiler and Fergus, ECCV 2014, arXiv 1311.2901",
    gradient=False,
    smooth=False,
)
@torch.no_grad()
def erasing(view: View, run: AnsweringPass, words: Sequence[Words], *, window: int = 3) -> Tensor:
    """(words, tokens), signed; zero at text tokens. One pass through the language model for each window.

    Args:
        window: side in tokens; windows lie around every token.
    """
    if window < 1:
        raise BadInput(f"erasing: window must be at least 1, not {window}")
    whole = _scores(run, leaving_tokens(view, run), words)
    falls = at_least_float32(run.tokens).new_zeros(len(words), run.tokens.shape[1])
    covered = falls.new_zeros(run.tokens.shape[1])
    for places in _windows(run, window):
        erased = run.tokens.clone()
        erased[0, places] = run.tokens[0, run.image[0]].mean(0)
        falls[:, places] += (whole - _scores(run, run_blocks(run, erased), words))[:, None]
        covered[places] += 1
    return falls / covered.clamp(min=1)


def _windows(run: AnsweringPass, window: int) -> list[Tensor]:
    reach, found = window // 2, []
    for grid in run.grids:
        places = grid.positions().to(run.tokens.device)
        for row in range(grid.rows):
            for column in range(grid.columns):
                part = places[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
                found.append(part.flatten())
    return found


def _scores(run: AnsweringPass, tokens: Tensor, words: Sequence[Words]) -> Tensor:
    """Of tokens that left the last layer, (words,)."""
    rows = [row for word in words for row in word.rows]
    logits = at_least_float32(run.head(tokens[0, rows])).split([len(word.rows) for word in words])
    return torch.stack([word.score(part) for word, part in zip(words, logits, strict=True)])
