"""From scenes to rows: one for each (question that was answered rightly, method)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.answers.geometry import picture_maps
from whylight.answers.shares import shares
from whylight.evaluation.benchmarks.answer_relevance import explain_answer
from whylight.evaluation.benchmarks.answers import Answers
from whylight.evaluation.benchmarks.right_answers import Asked, RightAnswers, answer_logits, log_probability
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row
from whylight.evaluation.method_choices import Choice
from whylight.evaluation.otsu import otsu_iou
from whylight.evaluation.pointing import points_inside, share_inside
from whylight.evaluation.segmentation import foreground_average_precision
from whylight.passes.answer_pass import Words
from whylight.passes.layers import run_blocks

ERASED = 14
"""Tokens that are erased: a tenth of the bundled model's."""


class AnswerRows(RightAnswers):
    """Measures where each method sees right answers come from."""

    benchmark = Answers()

    def of_answer(self, asked: Asked) -> list[Row]:
        return [self._row(choice, asked) for choice in self.choices]

    def _row(self, choice: Choice, asked: Asked) -> Row:
        row = asked.row(choice)
        relevance, presence = self._relevance(choice, asked)
        image = asked.forced.run.image[0]
        if not bool(torch.isfinite(relevance).all()):
            return row | {"skipped": NOT_FINITE}
        row["relevance"] = relevance[image].float().cpu().numpy()
        return row | presence | self._measure(asked, relevance)

    def _relevance(self, choice: Choice, asked: Asked) -> tuple[Tensor, Row]:
        """Of every token; and, of yes and no, the picture's share of what speaks for yes, and its balance there."""
        forced, words = asked.forced, [asked.words]
        presence = asked.question.kind in ("yes", "no")
        if presence:
            yes, no = ((self.view.tokenizer.convert_tokens_to_ids(word),) for word in ("yes", "no"))
            words += [Words(asked.words.rows, yes, no), Words(asked.words.rows, no, yes)]
        raw, shown = explain_answer(choice, forced, words, asked.likeness, asked.key)
        said: Row = {"presence": presence, "present": asked.question.kind == "yes"}
        if not presence:
            return shown[0], said | {"picture_share": 0.0, "picture_balance": 0.0}
        image = forced.run.image[0]
        speaking_for, against = raw[1:, image].clamp(min=0).sum(-1)
        balance = float((speaking_for / (speaking_for + against)).nan_to_num(0.5))
        share = float(shares(raw[1:2], image).nan_to_num(0.0))
        return shown[0], said | {"picture_share": share, "picture_balance": balance}

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
    logits = answer_logits(asked.forced, run_blocks(run, tokens), asked.words)[0]
    return float(log_probability(logits, asked.words))
