"""The measures beside the papers' own, run whole on bundled scenes: columns, directions, baselines."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from small_views import classifier

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.catalog import find_benchmark
from whylight.evaluation.benchmarks.faithfulness import ScenesFaithfulness
from whylight.evaluation.benchmarks.picture_rows import PictureRows
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.recognition import Recognition
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.heads import Head
from whylight.reports.summary import Line, summarize
from whylight.runs.run import execute

DIRECTIONS = {
    "scenes-faithfulness": {"srg": True, "saco": True},
    "scenes-randomized": {"correlation_all": False, "correlation_half": False, "correlation_last": False},
    "scenes-wrong-prompt": {"fall_0.5": True, "right_0.5": True, "wrong_0.5": False},
    "scenes-recognition": {"words": True, "words_4": True, "whole_4": True, "alone_1": True},
    "scenes-own-object": {"auroc": True, "own_higher": True},
}


def run(name: str, folder: Path, methods: str, limit: int) -> dict[str, Line]:
    wanted = Wanted(name, None, "scenes", methods, explain="target", limit=limit, batch_size=4)
    execute(plan(wanted), folder)
    return {line.method: line for line in summarize(folder).lines}


@pytest.mark.parametrize(("name", "directions"), DIRECTIONS.items())
def test_directions(name: str, directions: dict[str, bool]) -> None:
    protocol = find_benchmark(name).protocol()
    assert {figure: protocol.higher_is_better(figure) for figure in directions} == directions
    assert protocol.main_figure in protocol.figures_shown


def value(line: Line, figure: str) -> float:
    return float(line.figures[figure].value)


def test_faithful_maps_gain_and_noise_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScenesFaithfulness, "steps", 10)
    lines = run("scenes-faithfulness", tmp_path, "chefercam", 3)
    assert value(lines["chefercam"], "srg") > 1 > abs(value(lines["random"], "srg"))
    assert value(lines["chefercam"], "saco") > 20 > value(lines["random"], "saco")
    srg = lines["chefercam"].figures["srg"]
    assert float(srg.low) <= float(srg.value) <= float(srg.high)
    assert lines["chefercam"].figures["least_curve"].value.shape == (11,)


def test_maps_of_random_models_differ_and_baselines_stay(tmp_path: Path) -> None:
    lines = run("scenes-randomized", tmp_path, "legrad", 2)
    assert value(lines["centre"], "correlation_all") == pytest.approx(100)
    assert value(lines["random"], "correlation_all") == pytest.approx(100)
    assert value(lines["legrad"], "correlation_all") < 60
    curve = lines["legrad"].figures["correlation_curve"].value
    assert curve.shape == (6,)


def test_a_map_that_no_prompt_changes_does_not_fall(tmp_path: Path) -> None:
    lines = run("scenes-wrong-prompt", tmp_path, "rollout,chefercam", 6)
    assert value(lines["rollout"], "fall_0.5") == 0
    assert value(lines["centre"], "fall_0.5") == 0
    assert value(lines["chefercam"], "fall_0.5") > 10
    assert value(lines["chefercam"], "right_0.5") > value(lines["chefercam"], "wrong_0.5")


def test_own_objects_are_told_apart_by_maps_that_heed_prompts(tmp_path: Path) -> None:
    lines = run("scenes-own-object", tmp_path, "rollout,chefercam", 8)
    for name in ("rollout", "centre"):
        assert value(lines[name], "auroc") == 50
        assert value(lines[name], "own_higher") == 50
    assert value(lines["chefercam"], "auroc") > 90


def test_words_point_at_their_objects(tmp_path: Path) -> None:
    lines = run("scenes-recognition", tmp_path, "rollout", 3)
    assert value(lines["rollout"], "words_3") == 0  # no word changes it: its words' maps are constant
    assert math.isnan(value(lines["rollout"], "words_4"))
    assert value(lines["centre"], "words_1") == 0


def test_classifiers_have_no_prompts_for_several_objects() -> None:
    view = classifier()
    with pytest.raises(BadInput, match="classifier"):
        PictureRows(view, Head(view, {}), Recognition(), [], ("target",))
