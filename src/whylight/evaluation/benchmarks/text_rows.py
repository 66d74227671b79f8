"""From texts to rows: one for each (document, method)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whylight.errors import BadInput, UnsupportedModel
from whylight.evaluation.baselines import BASELINES, baseline
from whylight.evaluation.benchmarks.rationales import Rationales
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row, RowMaker, Skipped
from whylight.evaluation.benchmarks.tokenized_reviews import TokenizedReviews, read_review, tokenize_reviews
from whylight.evaluation.data.movie_reviews import CLASSES, MovieReviews, Review
from whylight.evaluation.estimates import Array
from whylight.evaluation.method_choices import Choice
from whylight.evaluation.text_parts import in_probability, only, word_maxima
from whylight.evaluation.token_f1 import agreement, area_under_precision_recall, probability_lost, rationales
from whylight.methods import relevance
from whylight.models.scores import as_scores, check_says_classes, says
from whylight.models.view import View


class TextRows(RowMaker[Review]):
    """Explains the true class of reviews with every chosen method, and measures the words.

    Raises:
        UnsupportedModel: no text classifier, or one of values.
        BadInput: its classes are not named after the labels, or its tokenizer does not say where pieces stand.
    """

    view: Any
    benchmark = Rationales()

    def __init__(self, view: View, choices: Sequence[Choice]) -> None:
        if not view.classifies or view.preprocessing is not None:
            raise UnsupportedModel(f"{view.name} is no text classifier: whylight train movie-reviews makes one")
        check_says_classes(view.name, view.scores)
        self.view, self.choices = view.text, choices
        if not getattr(getattr(self.view, "tokenizer", None), "is_fast", False):
            raise BadInput(f"{view.name} needs a fast tokenizer beside its weights (tokenizer.json)")
        self.classes = {label: _class_of(word, view) for label, word in CLASSES.items()}
        self.input_size = (self.view.longest,)

    def reader(self, source: MovieReviews) -> Callable[[int], Review | Skipped]:
        return partial(read_review, source)

    def question(self, item: Review) -> tuple[dict[str, Tensor], Tensor]:
        batch = tokenize_reviews(self.view, [item], self.classes)
        return batch.inputs, batch.classes[:, None]

    def measured(self, items: list[Review]) -> list[Row]:
        batch = tokenize_reviews(self.view, items, self.classes)
        with torch.no_grad():
            outputs = self.view.output(batch.inputs).float().cpu()
        whole = as_scores(outputs, self.view.scores).gather(1, batch.classes[:, None])[:, 0].tolist()
        correct = says(outputs, batch.classes, self.view.scores).tolist()
        rows = []
        for choice in self.choices:
            for index, scores in enumerate(self._scores(choice, batch)):
                review = items[index]
                row: Row = {
                    "picture": review.name,
                    "explained": "target",
                    "label": review.label,
                    "shown": review.label,
                    "method": choice.label,
                    "relevance": scores,
                    "correct": correct[index],
                }
                rows.append(row | batch.reading(index) | self._measure(batch, index, scores, whole[index]))
        return rows

    def _scores(self, choice: Choice, batch: TokenizedReviews) -> list[Array]:
        """Scores of words, (words,) for each review, NaN where the model did not read."""
        if choice.method in BASELINES:
            return [_noise(choice.method, batch, index) for index in range(len(batch.reviews))]
        raw = relevance(
            self.view, batch.inputs, batch.classes[:, None].tolist(), method=choice.method, **choice.options
        )
        pieces = raw[:, 0].float().cpu()
        return [
            word_maxima(row, owner, len(review.words)).numpy()
            for row, owner, review in zip(pieces, batch.owners, batch.reviews, strict=True)
        ]

    def _measure(self, batch: TokenizedReviews, index: int, scores: Array, whole: float) -> Row:
        """The columns that say how good a method's words are.

        Args:
            whole: the class's probability for the whole text.
        """
        if np.isnan(scores[batch.words_read(index).numpy()]).any() or np.isinf(scores).any():
            return {"skipped": NOT_FINITE}
        evidence, owner = batch.reviews[index].evidence, batch.owners[index]
        found = agreement(scores, evidence)
        chosen = torch.from_numpy(rationales(scores))
        inputs, number = batch.row_inputs(index), int(batch.classes[index])
        without, alone = (
            in_probability(self.view, only(inputs, owner, words, self.view.tokenizer.pad_token_id), number)
            for words in (~chosen, chosen)
        )
        return {
            "f1": found.f1,
            "precision": found.precision,
            "recall": found.recall,
            "auprc": area_under_precision_recall(scores, evidence),
            "comprehensiveness": probability_lost(whole, without),
            "sufficiency": probability_lost(whole, alone),
        }


def _noise(name: str, batch: TokenizedReviews, index: int) -> Array:
    """A baseline over the words that were read."""
    review, read = batch.reviews[index], batch.words_read(index).numpy()
    scores = np.full(len(review.words), np.nan, dtype=np.float32)
    scores[read] = baseline(name, (1, len(read)), f"{review.name}\0{review.label}")[0].numpy()
    return scores


def _class_of(word: str, view: View) -> int:
    """The class named "negative", "NEG" and so on."""
    names = [str(name) for name in view.class_names or []]
    found = [index for index, name in enumerate(names) if name.lower().startswith(word[:3])]
    if len(found) != 1:
        raise BadInput(f"{view.name} has no one class named {word} (id2label in config.json): {', '.join(names)}")
    return found[0]
