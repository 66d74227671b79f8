"""How often the bundled model answers rightly, by kind of question."""

from __future__ import annotations

from collections import defaultdict

import torch

from whylight.answers.ask import LONGEST, force
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes.answers.questions import QUESTION_KINDS


@torch.no_grad()
def accuracy(view: AnsweringView, count: int = 200) -> dict[str, tuple[float, int]]:
    """For each kind of question the share of free answers that are right to the letter, and how many were asked; for
    descriptions that of the words that are right at their place as well ("words").

    Args:
        count: scenes of two to five objects that the model was not trained on.
    """
    right: dict[str, list[float]] = defaultdict(list)
    source = SceneQuestions(count, QUESTION_KINDS)
    for index in range(count):
        scene = source.read(index)
        for question in scene.questions:
            forced, _, _ = force(view, [scene.picture], question.text, None, LONGEST)
            said, wanted = (text.replace(",", " ").split() for text in (forced.answer.text, question.answer))
            right[question.kind].append(float(said == wanted))
            if question.kind == "describe":
                same = [a == b for a, b in zip(said, wanted, strict=False)]
                right["words"] += [float(ok) for ok in same] + [0.0] * (len(wanted) - len(same))
    return {kind: (sum(each) / len(each), len(each)) for kind, each in right.items()}
