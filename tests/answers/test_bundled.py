"""The bundled model that answers in words, on scenes that it has not seen."""

from __future__ import annotations

import pytest
import torch

import whylight
from whylight.evaluation.answer_accuracy import _objects, accuracy
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.models.digest import model_digest
from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes import draw_scene
from whylight.scenes.answers.architecture import FOLDER
from whylight.scenes.answers.questions import QUESTION_KINDS


@pytest.fixture(scope="module")
def view() -> AnsweringView:
    loaded = whylight.load("scenes-answers")
    assert isinstance(loaded, AnsweringView)
    return loaded


def test_small() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size <= 8_000_000


def test_loaded_again_it_is_the_same(view: AnsweringView) -> None:
    """Nothing of it is drawn at random: a stopped run knows it again."""
    torch.manual_seed(1)
    assert model_digest(whylight.load("scenes-answers")) == model_digest(view)


def test_it_answers_rightly(view: AnsweringView) -> None:
    found = accuracy(view, 12)
    for kind in ("color", "what", "texture", "yes", "no"):
        for spelling, (share, count) in found[kind].items():
            assert share > 0.75, (kind, spelling, share, count)
    assert set(found) == {*QUESTION_KINDS, "words", "named", "found"}
    for part in ("named", "found"):
        assert found[part]["color"][0] > 0.5, (part, found[part])


def test_objects_of_a_description() -> None:
    said = "an orange star, a plain red ring and a dotted blue arrow"
    assert _objects(said) == ["orange star", "plain red ring", "dotted blue arrow"]


@pytest.mark.parametrize(
    "question",
    ["What colour is the ring?", "what color is the ring", "WHAT COLOR IS THE RING?", "What colour is the ring"],
)
def test_spellings(view: AnsweringView, question: str) -> None:
    assert whylight.ask(view, draw_scene(1000000043).picture, question).text == "red"


def test_the_map_lies_on_what_was_asked(view: AnsweringView) -> None:
    """Most of the first ten scenes' answers about colours have their maximum within the object's box."""
    hits = asked = 0
    source = SceneQuestions(10, ("color",))
    for index in range(10):
        scene = source.read(index)
        for question in scene.questions:
            answer = whylight.ask(view, scene.picture, question.text)
            if answer.text != question.answer:
                continue
            row, column = divmod(int(answer.maps[0].argmax()), 96)
            left, top, right, bottom = scene.scene.objects[question.about[0]].box
            hits += left - 4 <= column < right + 4 and top - 4 <= row < bottom + 4
            asked += 1
    assert asked >= 6
    assert hits >= 0.7 * asked


def test_chosen_precisions_agree() -> None:
    picture = draw_scene(1000000043).picture
    whole = whylight.ask("scenes-answers", picture, "what color is the ring")
    half = whylight.ask(whylight.load("scenes-answers", precision="bfloat16"), picture, "what color is the ring")
    assert half.text == whole.text
    one, other = whole.maps.flatten(), half.maps.flatten()
    assert float(torch.corrcoef(torch.stack([one, other]))[0, 1]) > 0.95
