"""Measures of answers: Otsu's threshold, and figures out of rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from whylight.evaluation.benchmarks.answers import Answers
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.evaluation.otsu import otsu_iou, otsu_threshold


def test_otsu_leaves_the_least_variance_within() -> None:
    random = np.random.default_rng(0)
    values = np.concatenate([random.normal(0.2, 0.05, 400), random.normal(0.7, 0.1, 150)])
    found = otsu_threshold(torch.from_numpy(values))

    def within(cut: float) -> float:
        below, above = values[values <= cut], values[values > cut]
        return float(len(below) * below.var() + len(above) * above.var())

    best = min(within(cut) for cut in np.linspace(values.min(), values.max(), 2000)[1:-1])
    assert within(found) == pytest.approx(best, rel=0.01)
    assert otsu_threshold(torch.ones(5)) == 1


def test_otsu_iou() -> None:
    label = torch.zeros(8, 8, dtype=torch.int8)
    label[2:4, 2:6] = 1
    scores = torch.zeros(8, 8)
    scores[2:4, 2:4] = 1
    assert otsu_iou(scores, label) == 0.5
    assert otsu_iou(torch.zeros(8, 8), label) == 0


def rows() -> dict[str, np.ndarray]:
    """Three answers about objects, of which one has a twin, and two times two about presence."""
    random = np.random.default_rng(0)
    columns = {
        "picture": ["a", "b", "c", "d", "e", "f", "g"],
        "about": [True, True, True, True, True, False, False],
        "points_inside": [True, False, True, True, True, False, False],
        "points_near": [True, True, True, True, True, False, False],
        "twin": [True, False, False, False, False, False, False],
        "twin_asked": [True, False, False, False, False, False, False],
        "twin_other": [False] * 7,
        "presence": [False, False, False, True, True, True, True],
        "present": [False, False, False, True, True, False, False],
        "picture_share": [0.9, 0.9, 0.9, 0.8, 0.3, 0.4, 0.1],
        "picture_balance": [0.0, 0.0, 0.0, 0.5, 0.6, 0.5, 0.5],
    }
    columns |= {name: random.random(7).tolist() for name in ("foreground_precision", "share_inside", "otsu_iou")}
    columns["erased"] = [0.5, 0.5, 0.5, 0.5, 0.5, None, None]
    columns["log_p_lost"] = [1.0, 2.0, 3.0, 4.0, 0.0, None, None]
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def test_figures() -> None:
    figures = Answers().figures(rows())
    assert float(figures["pointing"].value) == 80
    assert float(figures["near"].value) == 100
    assert float(figures["twin_asked"].value) == 100
    assert float(figures["twin_other"].value) == 0
    assert float(figures["erased"].value) == 50
    assert float(figures["lost"].value) == 2
    assert float(figures["presence_share"].value) == 75  # 0.8 > 0.4, 0.8 > 0.1, 0.3 > 0.1, 0.3 < 0.4
    assert float(figures["presence_balance"].value) == 75  # 0.5 = 0.5 twice, 0.6 > 0.5 twice
    assert set(figures) == set(Answers.figures_shown)


def test_questions_follow_from_the_seed() -> None:
    source = SceneQuestions(5)
    for index in range(5):
        scene = source.read(index)
        assert scene.questions == source.read(index).questions
        for question in scene.questions:
            assert bool(scene.mask(question.about).any()) == bool(question.about)
            for twin in scene.twins(question):
                other = scene.scene.objects[twin]
                assert twin not in question.about
                assert question.answer in (other.color, other.texture)
