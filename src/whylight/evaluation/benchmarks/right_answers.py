"""Questions that a model answers rightly, each with its answer behind it: what benchmarks of answers are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.answers.forcing import Forced, force
from whylight.answers.spreading import picture_likeness
from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.rows import Row, RowMaker, Skipped
from whylight.evaluation.data.scene_questions import AskedScene, SceneQuestions
from whylight.evaluation.method_choices import Choice
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.answer_pass import Words, answer_pass
from whylight.passes.key_likeness import KeyLikeness
from whylight.passes.sharing import shared_passes
from whylight.scenes.answers.questions import Question


@dataclass(frozen=True)
class Asked:
    """A question that the model answers rightly, its answer behind it.

    Attributes:
        words: the whole answer as one target.
        likeness: of the picture's tokens.
        log_p: logarithm of the answer's probability.
    """

    scene: AskedScene
    question: Question
    forced: Forced
    words: Words
    likeness: KeyLikeness
    log_p: float

    @property
    def key(self) -> str:
        """What a random baseline follows from."""
        return f"{self.scene.name}\0{self.question.text}"

    def row(self, choice: Choice) -> Row:
        """What every row says of it."""
        return {
            "picture": self.scene.name,
            "explained": "target",
            "label": self.question.text,
            "shown": self.question.answer,
            "method": choice.label,
        }


class RightAnswers(RowMaker[AskedScene]):
    """Asks about scenes, and measures methods on what is answered rightly; all of them share one pass."""

    view: AnsweringView
    input_size: Sequence[int] = ()

    def __init__(self, view: AnsweringView, choices: Sequence[Choice]) -> None:
        self.view, self.choices = view, choices

    @abstractmethod
    def of_answer(self, asked: Asked) -> list[Row]:
        """A row for every method."""

    def reader(self, source: SceneQuestions) -> Callable[[int], AskedScene | Skipped]:
        return source.read

    def question(self, item: AskedScene) -> Any:
        raise UnsupportedModel("answers are not tried on embeddings")

    def measured(self, items: list[AskedScene]) -> list[Row]:
        rows: list[Row] = []
        for scene in items:
            for question in scene.questions:
                with shared_passes():
                    asked = self._asked(scene, question)
                    if asked is not None:
                        rows += self.of_answer(asked)
                        continue
                rows.append({"picture": f"{scene.name}: {question.text}", "skipped": "the model answers otherwise"})
        return rows

    @torch.no_grad()
    def _asked(self, scene: AskedScene, question: Question) -> Asked | None:
        forced, _, _ = force(self.view, [scene.picture], question.text, question.answer)
        places = range(forced.begins, forced.begins + forced.run.answer)
        words = forced.target(places)
        with torch.enable_grad():  # most methods want this pass's graph
            leaving = answer_pass(self.view, forced.run).leaving
        logits = answer_logits(forced, leaving.detach(), words)[0]
        if not bool((logits.argmax(-1).cpu() == torch.tensor(words.ids)).all()):
            return None
        likeness = picture_likeness(self.view, forced.run, forced.tower)
        return Asked(scene, question, forced, words, likeness, float(log_probability(logits, words)))


def answer_logits(forced: Forced, leaving: Tensor, words: Words) -> Tensor:
    """At the rows that predict the answer, (batch, rows, words), of tokens that left the last layer."""
    return at_least_float32(forced.run.head(leaving[:, list(words.rows)]))


def log_probability(logits: Tensor, words: Words) -> Tensor:
    """Of the whole answer, of logits (..., rows, words): (...)."""
    return logits.log_softmax(-1)[..., torch.arange(len(words.ids)), list(words.ids)].sum(-1)
