"""From texts to rows: one for each (document, method)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.evaluation.baselines import BASELINES, baseline
from whylight.evaluation.benchmarks.rationales import Rationales
from whylight.evaluation.benchmarks.rows import COLUMNS, NOT_FINITE, Row, Skipped
from whylight.evaluation.data.data_set import Unusable
from whylight.evaluation.data.movie_reviews import CLASSES, MovieReviews, Review
from whylight.evaluation.estimates import Array
from whylight.evaluation.explaining import Choice
from whylight.evaluation.text_parts import in_probability, only, word_maxima, words_of_pieces
from whylight.evaluation.token_f1 import agreement, area_under_precision_recall, probability_lost, rationales
from whylight.methods import relevance
from whylight.models.view import View


@dataclass(frozen=True)
class ReadReviews:
    """Reviews of a batch as the model reads them.

    Attributes:
        inputs: what the model takes, padded, (batch, pieces) each.
        owners: for every review (pieces,) the number of the word that each piece is of; -1 for special ones.
        classes: (batch,) number of the true class.
    """

    reviews: list[Review]
    inputs: dict[str, Tensor]
    owners: list[Tensor]
    classes: Tensor


def read_review(source: MovieReviews, index: int) -> Review | Skipped:
    """A review that can be measured; runs in the decoding workers."""
    try:
        review = source.read(index)
    except Unusable as error:
        return Skipped(source.names[index], str(error))
    return review if review.evidence.any() else Skipped(review.name, "nobody marked a word of it")


class TextRowMaker:
    """Explains the true class of reviews with every chosen method, and measures the words.

    Raises:
        UnsupportedModel: no text classifier.
        BadInput: its classes are not named after the labels, or its tokenizer does not say where pieces stand.
    """

    benchmark = Rationales()
    columns = COLUMNS | Rationales.columns

    def __init__(self, view: View, choices: Sequence[Choice]) -> None:
        if not view.classifies or view.preprocessing is not None:
            raise UnsupportedModel(f"{view.name} is no text classifier: whylight train movie-reviews makes one")
        self.view: Any = view.text
        if not getattr(getattr(view.text, "tokenizer", None), "is_fast", False):
            raise BadInput(f"{view.name} needs a fast tokenizer beside its weights (tokenizer.json)")
        self.choices = list(choices)
        self.classes = {label: _class_of(word, view) for label, word in CLASSES.items()}

    def reader(self, source: MovieReviews) -> Callable[[int], Review | Skipped]:
        """What reads a document by its number; without the model, so that it can run in other processes."""
        return partial(read_review, source)

    def rows(self, documents: Iterable[Review | Skipped]) -> list[Row]:
        """Rows of a batch; a document that cannot be used has one row that says why."""
        rows: list[Row] = []
        reviews: list[Review] = []
        for document in documents:
            if isinstance(document, Skipped):
                rows.append(document.row)
            else:
                reviews.append(document)
        return rows + self._measured(self.read(reviews)) if reviews else rows

    def read(self, reviews: list[Review]) -> ReadReviews:
        """Tokenize a batch; what is longer than the model is cut."""
        texts = [review.text for review in reviews]
        inputs = self.view.tokenize(texts)
        length = inputs["input_ids"].shape[1]
        encoded = self.view.tokenizer(
            texts, truncation=True, padding="max_length", max_length=length, return_offsets_mapping=True
        )
        owners = [
            words_of_pieces(review.words, offsets)
            for review, offsets in zip(reviews, encoded["offset_mapping"], strict=True)
        ]
        classes = torch.tensor([self.classes[review.label] for review in reviews])
        return ReadReviews(reviews, inputs, owners, classes)

    def _measured(self, batch: ReadReviews) -> list[Row]:
        with torch.no_grad():
            outputs = self.view.output(batch.inputs).float().cpu()
        whole = outputs.softmax(-1).gather(1, batch.classes[:, None])[:, 0].tolist()
        correct = (outputs.argmax(-1) == batch.classes).tolist()
        rows = []
        for choice in self.choices:
            for index, scores in enumerate(self._scores(choice, batch)):
                row = {"correct": correct[index], **_reading(batch, index)}
                row |= self._row(choice, batch, index, scores, whole[index])
                rows.append(row)
        return rows

    def _scores(self, choice: Choice, batch: ReadReviews) -> list[Array]:
        """Scores of words, (words,) for each review, NaN where the model did not read."""
        if choice.method in BASELINES:
            return [_noise(choice.method, *pair) for pair in zip(batch.reviews, batch.owners, strict=True)]
        raw = relevance(
            self.view, batch.inputs, batch.classes[:, None].tolist(), method=choice.method, **choice.options
        )
        pieces = raw[:, 0].float().cpu()
        return [
            word_maxima(row, owner, len(review.words)).numpy()
            for row, owner, review in zip(pieces, batch.owners, batch.reviews, strict=True)
        ]

    def _row(self, choice: Choice, batch: ReadReviews, index: int, scores: Array, whole: float) -> Row:
        review, owner = batch.reviews[index], batch.owners[index]
        row: Row = {
            "picture": review.name,
            "explained": "target",
            "label": review.label,
            "shown": review.label,
            "method": choice.label,
            "relevance": scores,
        }
        if np.isnan(scores[owner[owner >= 0].unique().numpy()]).any() or np.isinf(scores).any():
            return row | {"skipped": NOT_FINITE}
        found = agreement(scores, review.evidence)
        chosen = torch.from_numpy(rationales(scores))
        inputs = {name: value[index : index + 1] for name, value in batch.inputs.items()}
        number = int(batch.classes[index])
        without, alone = (
            in_probability(self.view, only(inputs, owner, words, self.view.tokenizer.pad_token_id), number)
            for words in (~chosen, chosen)
        )
        return row | {
            "f1": found.f1,
            "precision": found.precision,
            "recall": found.recall,
            "auprc": area_under_precision_recall(scores, review.evidence),
            "comprehensiveness": probability_lost(whole, without),
            "sufficiency": probability_lost(whole, alone),
        }


def _reading(batch: ReadReviews, index: int) -> Row:
    """How much of a document the model read."""
    words, owner = len(batch.reviews[index].words), batch.owners[index]
    read = int(owner[owner >= 0].unique().numel())
    return {"words": words, "read_words": read, "cut": read < words}


def _noise(name: str, review: Review, owner: Tensor) -> Array:
    """A baseline over the words that were read."""
    scores = np.full(len(review.words), np.nan, dtype=np.float32)
    read = owner[owner >= 0].unique().numpy()
    scores[read] = baseline(name, (1, len(read)), f"{review.name}\0{review.label}")[0].numpy()
    return scores


def _class_of(word: str, view: View) -> int:
    """The class named "negative", "NEG" and so on."""
    names = [str(name) for name in view.class_names or []]
    found = [index for index, name in enumerate(names) if name.lower().startswith(word[:3])]
    if len(found) != 1:
        raise BadInput(f"{view.name} has no one class named {word} (id2label in config.json): {', '.join(names)}")
    return found[0]
