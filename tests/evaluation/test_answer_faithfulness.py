"""Erasing the picture's patches: that the scores are the model's own on erased pictures, and that truth wins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from zoo.answering_models import QUESTION, answering_model, rough_picture

import whylight
from whylight.answers.forcing import force
from whylight.answers.spreading import picture_likeness
from whylight.evaluation.benchmarks.answer_faithfulness import AnswerFaithfulness
from whylight.evaluation.benchmarks.answer_faithfulness_rows import AnswerFaithfulnessRows, _Erasable
from whylight.evaluation.benchmarks.right_answers import Asked
from whylight.evaluation.data.scene_questions import AskedScene, SceneQuestions
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.patch_erasing import without_patches
from whylight.methods.answering.catalog import find_answer_method
from whylight.models.transformers.answering.view import AnsweringView
from whylight.scenes import draw_scene
from whylight.scenes.answers.questions import Question


@pytest.fixture(scope="module")
def view() -> AnsweringView:
    loaded = whylight.load("scenes-answers")
    assert isinstance(loaded, AnsweringView)
    return loaded


def erasable(view: AnsweringView, index: int = 0) -> _Erasable:
    source = SceneQuestions(index + 1, ("color",))
    scene = source.read(index)
    asked = AnswerFaithfulnessRows(view, [])._asked(scene, scene.questions[0])
    assert asked is not None
    return _Erasable(view, asked)


def test_scores_are_the_models_own_on_erased_pixels(view: AnsweringView) -> None:
    """One after the other, by the model's own forward pass."""
    there = erasable(view)
    gone = torch.rand(3, 144, generator=torch.Generator().manual_seed(0)) < torch.tensor([[0.0], [0.3], [1.0]])
    pixels = without_patches(there.pixels.expand(3, -1, -1, -1), gone, there.grid)
    forced, word = there.asked.forced, there.asked.words
    (row,), (token,) = word.rows, word.ids
    with torch.no_grad():
        probabilities, log_odds = there.probability(pixels), there.log_odds(pixels)
    for index in range(3):
        with torch.no_grad():
            own = view.module(**{**forced.inputs, "pixel_values": pixels[index : index + 1]}, use_cache=False)
        p = own.logits[0, row].softmax(-1)[token]
        assert float(probabilities[index]) == pytest.approx(float(p), rel=1e-3)
        assert float(log_odds[index]) == pytest.approx(float(torch.logit(p)), abs=1e-2)
    assert float(probabilities[0].log()) == pytest.approx(there.asked.log_p, abs=1e-4)


def test_the_objects_own_mask_beats_its_opposite(view: AnsweringView) -> None:
    """Gains have the sign that they should: the asked object's patches first, then last."""
    rows = AnswerFaithfulnessRows(view, [])
    gains = []
    for index in range(3):
        there = erasable(view, index)
        mask = there.asked.scene.mask(there.asked.question.about).float()
        patches = torch.nn.functional.adaptive_avg_pool2d(mask[None, None], 12).flatten(2)[0]
        measured = rows._measured(there, torch.cat([patches, -patches]))
        gains.append([row["gain"] for row in measured])
        assert measured[0]["least"][0] == pytest.approx(measured[1]["most"][0], abs=1e-3)
        assert len(measured[0]["least"]) == AnswerFaithfulness.steps + 1
    truth, opposite = np.array(gains).mean(0)
    assert truth > 0 > opposite


def test_rows_and_figures(view: AnsweringView) -> None:
    choices = parse_methods("keyflow", find_answer_method)
    rows = AnswerFaithfulnessRows(view, choices).measured([SceneQuestions(1, ("color",)).read(0)])
    assert [row["method"] for row in rows] == [choice.label for choice in choices]
    assert all(len(row["relevance"]) == 144 for row in rows)
    columns = {
        name: np.array([row[name] for row in rows], dtype=object) for name in ("picture", *AnswerFaithfulness.columns)
    }
    figures = AnswerFaithfulness().figures(columns)
    assert float(figures["srg"].value) == pytest.approx(np.mean([row["gain"] for row in rows]))
    assert float(figures["saco"].value) == pytest.approx(100 * np.mean([row["coefficient"] for row in rows]))


def test_a_tower_that_is_given_patches_is_refused() -> None:
    model, processor, prompt = answering_model("qwen2_vl", torch.float32)
    tiny = whylight.wrap(model, processor=processor)
    assert isinstance(tiny, AnsweringView)
    forced, _, _ = force(tiny, [rough_picture(80, 120)], prompt.format(QUESTION), "red")
    scene = AskedScene("0", draw_scene(0), ())
    words = forced.target([forced.begins])
    asked = Asked(
        scene, Question("color", QUESTION, "red", (0,)), forced, words, picture_likeness(tiny, forced.run, []), 0.0
    )
    with pytest.raises(whylight.WhylightError, match="one square of pixels") as caught:
        _Erasable(tiny, asked)
    assert "\n" not in str(caught.value)
