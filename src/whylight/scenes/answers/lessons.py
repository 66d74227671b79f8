"""What training says about a scene: questions with answers, packed behind the picture so that none sees another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from whylight.scenes.answers.architecture import PATCHES
from whylight.scenes.answers.questions import Kind, Question, Seen, ask
from whylight.scenes.answers.words import BEGIN, END, IMAGE, NUMBERS, USER, numbers

PREFIX = [NUMBERS[BEGIN], NUMBERS[USER], *[NUMBERS[IMAGE]] * PATCHES]


@dataclass(frozen=True)
class Stage:
    """What is asked of a scene.

    Attributes:
        kinds: of its questions; a kind counts as often as it stands here.
        described: in how many scenes a description is asked for as well: it is as long as all other questions together.
        weight: of a description's words beside that of the others.
    """

    kinds: tuple[Kind, ...]
    described: float
    weight: float


ASKED = Stage(("color", "color", "what", "what", "texture", "yes", "yes", "no", "no", "count"), 0.5, 0.4)
HARD = Stage(("color", "what", "texture", "count", *("yes",) * 6, *("no",) * 3), 1.0, 1.0)
"""What is learnt late, more often. A scene has fewer things to say yes to than no: asked so, both are as many."""
LAST = Stage(("color", "what", "texture", "count", *("yes",) * 6, *("no",) * 4), 0.5, 1.0)
"""Descriptions had made it say yes too readily."""


@dataclass(frozen=True)
class Lesson:
    """Rows of packed questions.

    Attributes:
        ids: (scenes, tokens), :data:`PREFIX` and the questions; padding at the end.
        positions: (scenes, tokens), every question begins right behind the picture.
        mask: (scenes, 1, tokens, tokens), True = may attend.
        targets: (scenes, tokens), the token that follows, -1 where none is asked.
        weights: (scenes, tokens).
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    targets: Tensor
    weights: Tensor


def questions_of(objects: list[Seen], random: np.random.Generator, stage: Stage = ASKED) -> list[Question]:
    """About ten questions, each once."""
    described: Sequence[Kind] = ("describe",) if random.random() < stage.described else ()
    asked = [ask(kind, objects, random) for kind in (*stage.kinds, *described)]
    return list({question.text: question for question in asked if question}.values())


def lesson(rows: list[list[Question]], stage: Stage = ASKED) -> Lesson:
    """Pack the questions of several scenes."""
    packed = [_pack(questions, stage.weight) for questions in rows]
    ids, positions, parts, targets, weights = (_padded([list(row[i]) for row in packed], fill) for i, fill in _FILLED)
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    same = (parts[:, :, None] == parts[:, None]) | (parts[:, None] == 0)
    return Lesson(ids.long(), positions.long(), (causal & same)[:, None], targets.long(), weights)


_FILLED = ((0, 0), (1, 0), (2, -1), (3, -1), (4, 0))
"""Columns of a packed row, and what fills them up."""


def _pack(
    questions: list[Question], description: float
) -> tuple[list[int], list[int], list[int], list[int], list[float]]:
    """Ids, positions, numbers of the questions (0: the picture), what follows, and its weight."""
    ids, positions, parts, targets = [*PREFIX], list(range(len(PREFIX))), [0] * len(PREFIX), [-1] * len(PREFIX)
    weights = [0.0] * len(PREFIX)
    for part, question in enumerate(questions, 1):
        said = numbers(question.text)
        answer = [*numbers(question.answer), NUMBERS[END]]
        length = len(said) + len(answer) - 1
        ids += [*said, *answer[:-1]]
        positions += range(len(PREFIX), len(PREFIX) + length)
        parts += [part] * length
        targets += [*[-1] * (len(said) - 1), *answer]
        weights += [description if question.kind == "describe" else 1.0] * length
    return ids, positions, parts, targets, weights


def _padded(rows: Sequence[Sequence[float]], fill: float) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.float64) for row in rows], True, fill)
