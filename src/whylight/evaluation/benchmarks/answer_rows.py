"""From scenes to rows: one for each (question that was answered rightly, method)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.answers.forcing import Forced, force
from whylight.answers.geometry import picture_maps
from whylight.answers.shares import shares
from whylight.answers.spreading import picture_likeness
from whylight.attention.call import at_least_float32
from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.answer_relevance import explain_answer
from whylight.evaluation.benchmarks.answers import Answers
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row, RowMaker, Skipped
from whylight.evaluation.data.scene_questions import AskedScene, SceneQuestions
from whylight.evaluation.method_choices import Choice
from whylight.evaluation.otsu import otsu_iou
from whylight.evaluation.pointing import points_inside, share_inside
from whylight.evaluation.segmentation import foreground_average_precision
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.answer_pass import Words, answer_pass
from whylight.passes.key_likeness import KeyLikeness
from whylight.passes.layers import run_blocks
from whylight.passes.sharing import shared_passes
from whylight.scenes.answers.questions import Question

ERASED = 14
"""Tokens that are erased: a tenth of the bundled model's."""


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
    def presence(self) -> bool:
        return self.question.kind in ("yes", "no")


class AnswerRows(RowMaker[AskedScene]):
    """Asks about scenes, and measures where each method sees right answers come from."""

    view: AnsweringView
    benchmark = Answers()
    input_size: Sequence[int] = ()

    def __init__(self, view: AnsweringView, choices: Sequence[Choice]) -> None:
        self.view, self.choices = view, choices

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
                        rows += [self._row(choice, asked) for choice in self.choices]
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
        logits = _logits(forced, leaving.detach(), words)
        if not bool((logits.argmax(-1).cpu() == torch.tensor(words.ids)).all()):
            return None
        likeness = picture_likeness(self.view, forced.run, forced.tower)
        return Asked(scene, question, forced, words, likeness, _log_probability(logits, words))

    def _row(self, choice: Choice, asked: Asked) -> Row:
        row: Row = {
            "picture": asked.scene.name,
            "explained": "target",
            "label": asked.question.text,
            "shown": asked.question.answer,
            "method": choice.label,
        }
        relevance, presence = self._relevance(choice, asked)
        image = asked.forced.run.image[0]
        if not bool(torch.isfinite(relevance).all()):
            return row | {"skipped": NOT_FINITE}
        row["relevance"] = relevance[image].float().cpu().numpy()
        presence |= {"presence": asked.presence, "present": asked.question.kind == "yes"}
        return row | presence | self._measure(asked, relevance)

    def _relevance(self, choice: Choice, asked: Asked) -> tuple[Tensor, Row]:
        """Of every token; and, of yes and no, the picture's share of what speaks for yes, and its balance there."""
        forced, words = asked.forced, [asked.words]
        if asked.presence:
            yes, no = ((self.view.tokenizer.convert_tokens_to_ids(word),) for word in ("yes", "no"))
            words += [Words(asked.words.rows, yes, no), Words(asked.words.rows, no, yes)]
        key = f"{asked.scene.name}\0{asked.question.text}"
        raw, shown = explain_answer(choice, forced, words, asked.likeness, key)
        if not asked.presence:
            return shown[0], {"picture_share": 0.0, "picture_balance": 0.0}
        image = forced.run.image[0]
        speaking_for, against = raw[1:, image].clamp(min=0).sum(-1)
        balance = float((speaking_for / (speaking_for + against)).nan_to_num(0.5))
        return shown[0], {"picture_share": float(shares(raw[1:2], image).nan_to_num(0.0)), "picture_balance": balance}

    def _measure(self, asked: Asked, relevance: Tensor) -> Row:
        scene, about = asked.scene, asked.question.about
        erased = _without(asked, relevance)
        row: Row = {"about": bool(about), "erased": math.exp(erased), "log_p_lost": asked.log_p - erased}
        if not about:
            return row | dict.fromkeys(("twin", "twin_asked", "twin_other", "points_inside", "points_near"), False)
        label, twins = scene.mask(about), scene.twins(asked.question)
        run = asked.forced.run
        scores = picture_maps(relevance[None], run.pictures[0], scene.scene.picture.shape[:2])[0]
        patch = scene.scene.picture.shape[0] // run.pictures[0][0].rows
        near = F.max_pool2d(label[None].float(), patch + 1, 1, patch // 2)[0].to(label)
        inside = points_inside(scores, label)
        return row | {
            "points_inside": inside,
            "points_near": points_inside(scores, near),
            "foreground_precision": foreground_average_precision(scores, label),
            "share_inside": share_inside(scores, label),
            "otsu_iou": otsu_iou(scores, label),
            "twin": bool(twins),
            "twin_asked": bool(twins) and inside,
            "twin_other": bool(twins) and points_inside(scores, scene.mask(twins)),
        }


@torch.no_grad()
def _without(asked: Asked, relevance: Tensor) -> float:
    """Logarithm of the answer's probability where the picture's tokens with the most relevance are the mean of all of
    the picture's."""
    run = asked.forced.run
    image = run.image[0]
    places = image.nonzero()[:, 0]
    chosen = places[relevance.to(places.device)[places].topk(min(ERASED, len(places))).indices]
    tokens = run.tokens.clone()
    tokens[0, chosen] = run.tokens[0, image].mean(0)
    return _log_probability(_logits(asked.forced, run_blocks(run, tokens), asked.words), asked.words)


def _logits(forced: Forced, leaving: Tensor, words: Words) -> Tensor:
    """At the rows that predict the answer, (rows, words), of tokens that left the last layer."""
    return at_least_float32(forced.run.head(leaving[0, list(words.rows)]))


def _log_probability(logits: Tensor, words: Words) -> float:
    return float(logits.log_softmax(-1)[torch.arange(len(logits)), list(words.ids)].sum())
