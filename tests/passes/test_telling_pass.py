"""Rows behind a picture driven alone: the same gradients as of the whole sequence, and where they must not be alone."""

from __future__ import annotations

import pytest
from oracle_files import relative_difference
from zoo.answering_models import QUESTION, answering_model, rough_picture

import whylight
from whylight.answers.forcing import Forced, force
from whylight.methods.answering.catalog import find_answer_method
from whylight.passes.answer_pass import answer_pass
from whylight.passes.sharing import shared_passes
from whylight.passes.telling_pass import telling_pass

FAMILIES = ("llava", "qwen2_5_vl", "qwen3_vl", "gemma3", "smolvlm", "internvl", "paligemma")
SEES_THE_QUESTION = ("paligemma",)
"""Whose picture's tokens look at the question."""


def forced(family: str, prompt: str | None = None, pictures: int = 1) -> Forced:
    model, processor, template = answering_model(family)
    view = whylight.wrap(model, processor=processor)
    shown = [rough_picture(80, 120)] * pictures
    return force(view, shown, prompt or template.format(QUESTION), "red big circle")[0]


@pytest.mark.parametrize("start_layer", [0, -1])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_those_of_the_whole_sequence(family: str, start_layer: int) -> None:
    same_gradients(forced(family), start_layer, alone=family not in SEES_THE_QUESTION)


def test_a_picture_at_the_end_of_the_prompt_predicts_the_answer() -> None:
    given = forced("llava", f"{QUESTION} <image>")
    assert min(given.target(given.answer.words[0].places).rows) == given.run.behind - 1
    same_gradients(given, 0, alone=True)


def same_gradients(given: Forced, start_layer: int, *, alone: bool) -> None:
    whole, few = (make(given.view, given.run, start_layer) for make in (answer_pass, telling_pass))
    assert (few.begins > 0) == alone
    assert few.tokens == whole.tokens
    assert len(few.calls) == len(whole.calls)
    assert relative_difference(few.leaving, whole.leaving[:, few.begins :]) < 1e-10
    for word in given.answer.words:
        target = given.target(word.places)
        assert float((few.score(target) - whole.score(target)).detach()) == pytest.approx(0, abs=1e-10)
        for found, expected in zip(few.gradients(target), whole.gradients(target), strict=True):
            assert relative_difference(found, expected[..., few.begins :, :]) < 1e-10


def test_a_pass_that_was_made_with_a_graph_serves_again() -> None:
    given = forced("llava")
    targets = [given.target(word.places) for word in given.answer.words]
    keyflow = find_answer_method("keyflow")
    alone = keyflow.explain(given.view, given.run, targets)
    with shared_passes():
        whole = answer_pass(given.view, given.run)
        assert telling_pass(given.view, given.run, 0).leaving is whole.leaving
        assert relative_difference(keyflow.explain(given.view, given.run, targets), alone) < 1e-10


def test_text_alone_has_no_rows_behind_a_picture() -> None:
    given = forced("llava", QUESTION, pictures=0)
    assert telling_pass(given.view, given.run).begins == 0


def test_no_more_than_the_rows_behind_the_picture_hold_a_graph() -> None:
    given = forced("llava")
    few = telling_pass(given.view, given.run)
    behind = few.tokens - few.begins
    assert few.entering.shape[1] == behind < few.tokens / 2
    assert all(call.queries == behind and call.keys == few.tokens for call in few.calls)
