"""Reviews as a text model reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.evaluation.benchmarks.rows import Row, Skipped, read_or_skip
from whylight.evaluation.data.movie_reviews import MovieReviews, Review
from whylight.evaluation.text_parts import words_of_pieces


@dataclass(frozen=True)
class TokenizedReviews:
    """Reviews of a batch as the model reads them.

    Attributes:
        inputs: what the model takes, padded, (batch, pieces) each.
        owners: for every review (pieces,) the number of the word that each piece is of; -1 for special ones.
        classes: (batch,) number of the true class.
    """

    reviews: Sequence[Review]
    inputs: dict[str, Tensor]
    owners: list[Tensor]
    classes: Tensor

    def row_inputs(self, index: int) -> dict[str, Tensor]:
        """The inputs of one review, (1, pieces) each."""
        return {name: value[index : index + 1] for name, value in self.inputs.items()}

    def words_read(self, index: int) -> Tensor:
        """Numbers of the words that the model read at least a piece of, in order."""
        owner = self.owners[index]
        words: Tensor = owner[owner >= 0].unique()
        return words

    def reading(self, index: int) -> Row:
        """How much of a review the model read, as columns of a row."""
        words, read = len(self.reviews[index].words), len(self.words_read(index))
        return {"words": words, "read_words": read, "cut": read < words}


def read_review(source: MovieReviews, index: int) -> Review | Skipped:
    """A review that can be measured; runs in the decoding workers."""
    review = read_or_skip(source, index)
    if isinstance(review, Skipped):
        return review
    return review if review.evidence.any() else Skipped(review.name, "nobody marked a word of it")


def tokenize_reviews(view: Any, reviews: Sequence[Review], classes: Mapping[str, int]) -> TokenizedReviews:
    """Tokenize a batch; what is longer than the model is cut.

    Args:
        view: of a text classifier with a fast tokenizer.
        classes: number of each label's class.
    """
    texts = [review.text for review in reviews]
    inputs = view.tokenize(texts)
    length = inputs["input_ids"].shape[1]
    encoded = view.tokenizer(
        texts, truncation=True, padding="max_length", max_length=length, return_offsets_mapping=True
    )
    owners = [
        words_of_pieces(review.words, offsets)
        for review, offsets in zip(reviews, encoded["offset_mapping"], strict=True)
    ]
    return TokenizedReviews(reviews, inputs, owners, torch.tensor([classes[review.label] for review in reviews]))
