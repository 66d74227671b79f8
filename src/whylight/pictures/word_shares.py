"""What each word of a prompt adds to its map and to its score (METAGAME, arXiv 2605.06295).

The players of the game are the prompt's words, or phrases; the value of a set of them is the map, and the score, of the
prompt without the others. How the paper removes a word is not known here: this leaves it out of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.models.words import Word
from whylight.pictures.phrases import Phrases
from whylight.pictures.plain import plain_number, plain_numbers
from whylight.pictures.shapley import shapley_values

ROUNDING = 1e-6
"""Of the whole map's greatest value, in float32."""

Answers = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Embeddings (prompts, dim) to raw maps (prompts, rows, columns) and scores (prompts,)."""
Encode = Callable[[Sequence[str]], Tensor]


@dataclass(frozen=True, eq=False)
class WordShares:
    """Shapley values of a prompt's words.

    Attributes:
        prompt: what the model read.
        words: words and phrases, at their places in the prompt.
        relevance: (words, rows, columns), float64, on the CPU: what each adds to the prompt's map. With ``no_word``
            they sum to it.
        scores: what each adds to the prompt's score; with ``score_of_no_word`` they sum to it.
        no_word: (rows, columns) the map of the empty prompt, and ``score_of_no_word`` its score.
        relevance_error, score_errors: standard errors, of long prompts, whose orders of words were sampled; else None.
    """

    prompt: str
    words: tuple[Word, ...]
    relevance: Tensor
    scores: tuple[float, ...]
    no_word: Tensor
    score_of_no_word: float
    relevance_error: Tensor | None = None
    score_errors: tuple[float, ...] | None = None

    def __len__(self) -> int:
        return len(self.words)

    @property
    def beyond_rounding(self) -> Tensor:
        """``relevance``, where words that change the map by no more than rounding have zeros."""
        whole = (self.relevance.sum(0) + self.no_word).abs().max()
        changed = self.relevance.abs().amax((1, 2), keepdim=True) > ROUNDING * whole
        return torch.where(changed, self.relevance, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and strings, ready for JSON."""
        errors = self.score_errors or (None,) * len(self)
        each = zip(self.words, self.scores, errors, self.relevance.tolist(), strict=True)
        words = [
            {"text": word.text, "start": word.start, "end": word.end, "score": plain_number(score)}
            | ({} if error is None else {"standard_error": plain_number(error)})
            | {"relevance": plain_numbers(values)}
            for word, score, error, values in each
        ]
        nothing = {"score": plain_number(self.score_of_no_word), "relevance": plain_numbers(self.no_word.tolist())}
        return {"words": words, "no_word": nothing}

    def arrays(self, number: int) -> dict[str, Any]:
        """The same as arrays for an NPZ file, under names that end in the prompt's number."""
        named = {
            "words": [word.text for word in self.words],
            "words_relevance": self.relevance.numpy(),
            "words_scores": self.scores,
            "no_word_relevance": self.no_word.numpy(),
            "no_word_score": self.score_of_no_word,
        }
        if self.relevance_error is not None:
            named |= {"words_relevance_error": self.relevance_error.numpy(), "words_score_errors": self.score_errors}
        return {f"{name}_{number}": value for name, value in named.items()}


def arrays_of(prompts: Sequence[WordShares]) -> dict[str, Any]:
    """The arrays of several prompts."""
    return {name: array for number, shares in enumerate(prompts) for name, array in shares.arrays(number).items()}


def word_shares(phrases: Phrases, encode: Encode, answers: Answers, seed: int = 0) -> WordShares:
    """Shapley values of a prompt's words; exact for up to 12.

    Args:
        encode: texts, the empty one too, to embeddings.
        answers: must give one prompt the same map whatever it is asked with.
        seed: of the orders that are drawn for more words.
    """
    grid: list[torch.Size] = []

    def value(texts: Sequence[str]) -> Tensor:
        maps, scores = answers(encode(texts))
        grid.append(maps.shape[1:])
        return torch.cat([maps.double().flatten(1), scores.double()[:, None]], dim=1)

    shares = shapley_values(len(phrases.parts), phrases.text, value, seed)
    none, score_of_none = shares.of_none[:-1], float(shares.of_none[-1])
    error = shares.error
    return WordShares(
        prompt=phrases.prompt,
        words=phrases.parts,
        relevance=shares.of_player[:, :-1].unflatten(1, grid[0]),
        scores=tuple(shares.of_player[:, -1].tolist()),
        no_word=none.unflatten(0, grid[0]),
        score_of_no_word=score_of_none,
        relevance_error=None if error is None else error[:, :-1].unflatten(1, grid[0]),
        score_errors=None if error is None else tuple(error[:, -1].tolist()),
    )
