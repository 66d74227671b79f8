"""Over one answer the language model is driven once as it is and once with the picture blurred away, whatever asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from zoo.answering_models import QUESTION, answering_model, rough_picture

import whylight
from whylight.answers import Answer
from whylight.answers.explaining import _blurred
from whylight.answers.forcing import force
from whylight.answers.generating import log_probabilities
from whylight.answers.spreading import picture_likeness, spread
from whylight.evaluation.benchmarks.answer_rows import AnswerRows
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.evaluation.method_choices import parse_methods
from whylight.methods.answering.catalog import answer_methods, find_answer_method
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.layers import run_blocks

PICTURE = rough_picture(80, 120)
SAID = "the red big circle is a green square"


def tiny(family: str) -> tuple[AnsweringView, str]:
    model, processor, prompt = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    assert isinstance(view, AnsweringView)
    return view, prompt.format(QUESTION)


@contextmanager
def driven(view: AnsweringView) -> Iterator[list[int]]:
    """How many tokens entered each layer of the language model, each time: (layers, times) one after the other."""
    layers = view.parts.language.layers
    counts: list[list[int]] = [[] for _ in layers]
    handles = [
        layer.register_forward_hook(lambda _, given, __, count=count: count.append(given[0].shape[1]))
        for layer, count in zip(layers, counts, strict=True)
    ]
    times: list[int] = []
    try:
        yield times
    finally:
        for handle in handles:
            handle.remove()
        whole = max(max(count) for count in counts)
        times += [count.count(whole) for count in counts]


def slowly(view: AnsweringView, question: str, method: str) -> dict[str, Tensor]:
    """What an answer holds, each part by passes of its own."""
    forced, _, _ = force(view, [PICTURE], question, SAID)
    targets = [forced.target(word.places) for word in forced.answer.words]
    raw = torch.cat([find_answer_method(method).explain(view, forced.run, [target]).detach() for target in targets])
    likeness = picture_likeness(view, forced.run, forced.tower)
    with torch.no_grad():
        seen = log_probabilities(forced.run, run_blocks(forced.run, forced.run.tokens))
        blurred = force(view, [_blurred(PICTURE)], question, SAID)[0].run
        blind = log_probabilities(blurred, run_blocks(blurred, blurred.tokens))
    shown = spread(raw, forced.run, likeness) if method == "keyflow" else raw
    return {"relevance": shown.float(), "probabilities": seen.exp(), "from_picture": seen - blind}


@pytest.mark.parametrize("method", [name for name in answer_methods() if name != "erasing"])
@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])  # W of the tower's keys, and of the language model's own
def test_the_language_model_is_driven_twice(family: str, method: str) -> None:
    driven_twice_and_right(family, method)


def driven_twice_and_right(family: str, method: str, **more: Any) -> None:
    view, question = tiny(family)
    with driven(view) as times:
        answer = whylight.ask(view, PICTURE, question, answer=SAID, method=method, **more)
    assert times == [2] * len(times)
    for part, expected in slowly(view, question, method).items():
        torch.testing.assert_close(getattr(answer, part), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("method", ["keyflow", "rollout", "tam"])
def test_so_it_is_where_words_come_bit_by_bit(method: str) -> None:
    heard: list[object] = []
    driven_twice_and_right("qwen2_5_vl", method, heard=heard.append)
    assert len(heard) == 4


@pytest.mark.parametrize("method", ["legrad", "chefercam", "input_gradient"])
def test_spreading_needs_no_pass_of_its_own(method: str) -> None:
    view, question = tiny("qwen2_5_vl")
    with driven(view) as times:
        whylight.ask(view, PICTURE, question, answer=SAID, method=method, smooth=True)
    assert times == [2] * len(times)


def test_a_question_about_text_alone_is_driven_once() -> None:
    view, _ = tiny("llava")
    with driven(view) as times:
        answer: Answer = whylight.ask(view, None, QUESTION, answer="red")
    assert times == [1] * len(times)
    assert answer.from_picture.isnan().all()


def test_erasing_drives_once_for_each_window_and_twice_besides() -> None:
    view, question = tiny("llava")
    with driven(view) as times:
        whylight.ask(view, PICTURE, question, answer=SAID, method="erasing")
    assert times == [16 + 2] * len(times)


def test_methods_of_a_benchmark_share_the_pass() -> None:
    """Once as it is, and once for each method without its most relevant tokens."""
    view = whylight.load("scenes-answers")
    assert isinstance(view, AnsweringView)
    source = SceneQuestions(1, ("color",))
    choices = parse_methods("keyflow,gradient_norm,gradient_norm:smooth=true,rollout,random", find_answer_method)
    with driven(view) as times:
        together = AnswerRows(view, choices).measured([source.read(0)])
    assert len(together) == len(choices)
    assert times == [1 + len(choices)] * len(times)
    for choice, row in zip(choices, together, strict=True):
        (alone,) = AnswerRows(view, [choice]).measured([source.read(0)])
        for name in ("points_inside", "foreground_precision", "erased", "log_p_lost"):
            assert row[name] == pytest.approx(alone[name], rel=1e-4), (choice.label, name)
