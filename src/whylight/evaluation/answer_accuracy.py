"""How often the bundled model answers rightly, by kind of question and by how it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import torch

from whylight.answers.forcing import LONGEST, force
from whylight.attention.call import at_least_float32
from whylight.evaluation.data.scene_questions import AskedScene, SceneQuestions
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.layers import run_blocks
from whylight.scenes.answers.questions import QUESTION_KINDS, Question

SPELLINGS: dict[str, Callable[[str], str]] = {
    "color": lambda text: text,
    "color?": lambda text: f"{text}?",
    "colour": lambda text: text.replace("color", "colour"),
    "colour?": lambda text: text.replace("color", "colour") + "?",
}
"""Ways to write a question; where it does not speak of colour the last two are the first two."""

Shares = dict[str, tuple[float, int]]
"""Share of right answers and how many were asked, by the question's spelling."""


@torch.no_grad()
def accuracy(view: AnsweringView, count: int = 200) -> dict[str, Shares]:
    """For each kind of question and each spelling the share of answers that are right to the letter: greedy, every
    token and the end behind them. For descriptions that of the words that are right at their place as well ("words").

    Args:
        count: scenes of two to five objects that the model was not trained on.
    """
    right: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    source = SceneQuestions(count, QUESTION_KINDS)
    for scene in (source.read(index) for index in range(count)):
        for question in scene.questions:
            judge = _described if question.kind == "describe" else _right
            judged: dict[tuple[int, ...], list[float]] = {}
            for spelling, written in SPELLINGS.items():
                text = written(question.text)
                tokens = tuple(view.tokenizer(text)["input_ids"])  # what reads alike is answered alike
                if tokens not in judged:
                    judged[tokens] = judge(view, scene, text, question)
                right[question.kind][spelling].append(judged[tokens][0])
                right["words"][spelling] += judged[tokens][1:]
    return {
        kind: {spelling: (sum(each) / len(each), len(each)) for spelling, each in spellings.items() if each}
        for kind, spellings in right.items()
    }


def _right(view: AnsweringView, scene: AskedScene, text: str, question: Question) -> list[float]:
    """One 1 where the likeliest word at every place is the right answer's, and an end behind it; else 0."""
    run = force(view, [scene.picture], text, question.answer)[0].run
    tokens = run_blocks(run, run.tokens)
    said = at_least_float32(run.head(tokens[0, -run.answer - 1 :])).argmax(-1).tolist()
    wanted = [*run.ids[0, -run.answer :].tolist(), view.tokenizer.eos_token_id]
    return [float(said == wanted)]


def _described(view: AnsweringView, scene: AskedScene, text: str, question: Question) -> list[float]:
    """Whether a free description is right, then for every word of the right one whether it stands at its place."""
    forced, _, _ = force(view, [scene.picture], text, None, LONGEST)
    said, wanted = (answer.replace(",", " ").split() for answer in (forced.answer.text, question.answer))
    same = [float(a == b) for a, b in zip(said, wanted, strict=False)]
    return [float(said == wanted), *same, *[0.0] * (len(wanted) - len(same))]
