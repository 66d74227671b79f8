"""Questions about scenes, and what training makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from whylight.scenes import draw_scene
from whylight.scenes.answers.architecture import processor
from whylight.scenes.answers.features import seen_of
from whylight.scenes.answers.lessons import lesson, questions_of
from whylight.scenes.answers.questions import COUNTS, QUESTION_KINDS, Question, ask
from whylight.scenes.answers.train import Plan, Training
from whylight.scenes.answers.words import NUMBERS, UNKNOWN, numbers, tokenizer

TINY = Plan(scenes=6, steps=4, turns=(2, 3), batch=2, warm_up=2, cool=2)


def silent(what: str, done: int, total: int, figures: dict[str, float]) -> None:
    pass


def test_every_answer_is_true_of_the_scene() -> None:
    random = np.random.default_rng(0)
    for seed in range(60):
        objects = seen_of(draw_scene(seed))
        for kind in QUESTION_KINDS:
            question = ask(kind, objects, random)
            if question is None:
                continue
            about = [objects[i] for i in question.about]
            words = question.text.split()
            if kind in ("color", "texture"):
                assert [o.kind for o in objects].count(words[-1]) == 1
                assert about[0].kind == words[-1]
                assert question.answer == getattr(about[0], kind)
            elif kind == "what":
                assert [o.kind for o in objects if o.color == words[-1]] == [question.answer]
            elif kind in ("yes", "no"):
                same = [o for o in objects if (o.color, o.kind) == tuple(words[-2:])]
                assert (kind, about) == (("yes", same) if same else ("no", []))
            elif kind == "count":
                assert question.answer == COUNTS[len(objects) - 1]
            else:
                assert [o.left for o in about] == sorted(o.left for o in objects)
                assert [w for w in question.answer.replace(",", "").split() if w in {o.kind for o in objects}] == [
                    o.kind for o in about
                ]


@pytest.mark.parametrize("asked", ["What colour is the ring?", "what color is the ring", "WHAT COLOUR IS THE RING ?!"])
def test_spelling_and_marks_make_no_difference(asked: str) -> None:
    ids = tokenizer()(asked, add_special_tokens=False)["input_ids"]
    assert ids == numbers("what color is the ring")
    assert tokenizer()("mauve", add_special_tokens=False)["input_ids"] == [NUMBERS[UNKNOWN]]


def test_packed_questions_are_questions_alone(tmp_path: Path) -> None:
    training = Training(tmp_path, TINY, silent)
    model, made = training.model, processor()
    training.mean, training.deviation = torch.zeros(192), torch.ones(192)
    random = np.random.default_rng(1)
    rows = [questions_of(training.features.objects[i], random) for i in (0, 1)]
    with torch.no_grad():
        packed = training._logits(training.features[np.array([0, 1])], lesson(rows))
        alone = []
        for index, questions in enumerate(rows):
            for question in questions:
                alone.append(_alone(model, made, index, question))
    # features are stored in half precision
    assert (packed - torch.cat(alone)).abs().max() < 2e-2 * packed.abs().max()
    assert (packed.argmax(-1) == torch.cat(alone).argmax(-1)).float().mean() > 0.95


def _alone(model: torch.nn.Module, made: object, seed: int, question: Question) -> torch.Tensor:
    """Logits of the answer's tokens by the model's own forward, the prompt through the chat template."""
    content = [{"type": "image"}, {"type": "text", "text": question.text}]
    asked = [{"role": "user", "content": content}]
    prompt = made.apply_chat_template(asked, add_generation_prompt=True)
    inputs = made(images=draw_scene(seed).picture, text=prompt, return_tensors="pt")
    answer = torch.tensor([numbers(question.answer)])
    length = inputs["input_ids"].shape[1]
    ids = torch.cat([inputs["input_ids"], answer], 1)
    logits = model(input_ids=ids, pixel_values=inputs["pixel_values"]).logits[0]
    return logits[length - 1 :]


def test_stopped_and_continued_is_the_same(tmp_path: Path) -> None:
    whole = Training(tmp_path / "whole", TINY, silent)
    for _ in range(TINY.steps):
        whole.advance()
    begun = Training(tmp_path / "parts", TINY, silent)
    begun.advance()
    begun.advance()
    begun.save()
    continued = Training(tmp_path / "parts", TINY, silent)
    assert continued.step == 2
    continued.advance()
    continued.advance()
    for one, other in zip(whole.learnt.parameters(), continued.learnt.parameters(), strict=True):
        assert torch.equal(one, other)
