"""How often the bundled model answers rightly, by kind of question and by how it is written."""

from __future__ import annotations

import re
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

Judged = dict[str, list[float]]
"""1 for what is right and 0 for what is not, by what is judged: the question's kind, or a part of a description."""

Shares = dict[str, tuple[float, int]]
"""Share of right answers and how many were asked, by the question's spelling."""


@torch.no_grad()
def accuracy(view: AnsweringView, count: int = 200) -> dict[str, Shares]:
    """For each kind of question and each spelling the share of answers that are right to the letter: greedy, every
    token and the end behind them. For descriptions as well that of the words that are right at their place ("words"),
    of the objects named, each time, that are there ("named"), and of the objects there that are named ("found"), both
    by texture, colour and kind.

    Args:
        count: scenes of two to five objects that the model was not trained on.
    """
    right: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    source = SceneQuestions(count, QUESTION_KINDS)
    for scene in (source.read(index) for index in range(count)):
        for question in scene.questions:
            judge = _described if question.kind == "describe" else _right
            judged: dict[tuple[int, ...], Judged] = {}
            for spelling, written in SPELLINGS.items():
                text = written(question.text)
                tokens = tuple(view.tokenizer(text)["input_ids"])  # what reads alike is answered alike
                if tokens not in judged:
                    judged[tokens] = judge(view, scene, text, question)
                for kind, each in judged[tokens].items():
                    right[kind][spelling] += each
    return {
        kind: {spelling: (sum(each) / len(each), len(each)) for spelling, each in spellings.items() if each}
        for kind, spellings in right.items()
    }


def _right(view: AnsweringView, scene: AskedScene, text: str, question: Question) -> Judged:
    """One 1 where the likeliest word at every place is the right answer's, and an end behind it; else 0."""
    run = force(view, [scene.picture], text, question.answer)[0].run
    tokens = run_blocks(run, run.tokens)
    said = at_least_float32(run.head(tokens[0, -run.answer - 1 :])).argmax(-1).tolist()
    wanted = [*run.ids[0, -run.answer :].tolist(), view.tokenizer.eos_token_id]
    return {question.kind: [float(said == wanted)]}


def _described(view: AnsweringView, scene: AskedScene, text: str, question: Question) -> Judged:
    """Whether a free description is right, and what of it."""
    forced, _, _ = force(view, [scene.picture], text, None, LONGEST)
    said, wanted = (answer.replace(",", " ").split() for answer in (forced.answer.text, question.answer))
    same = [float(a == b) for a, b in zip(said, wanted, strict=False)]
    named, there = (_objects(answer) for answer in (forced.answer.text, question.answer))
    return {
        "describe": [float(said == wanted)],
        "words": [*same, *[0.0] * (len(wanted) - len(same))],
        "named": [float(each in there) for each in named],
        "found": [float(each in named) for each in there],
    }


def _objects(description: str) -> list[str]:
    """ "a plain red ring and an orange star": "plain red ring", "orange star"."""
    phrases = re.split(r",| and ", description)
    return [" ".join(phrase.split()[1:]) for phrase in phrases if phrase.strip()]
