"""``whylight reproduce ours`` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Run

from whylight.evaluation import ours
from whylight.evaluation.ours import Protocol


def test_what_is_left_is_run_and_the_page_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "ON_SCENES", (Protocol("scenes-own-object", ("auroc",)),))
    monkeypatch.setattr(ours, "MODELS", ("scenes",))
    monkeypatch.setattr(ours, "all_labels", lambda: "rollout,raw_attention")
    monkeypatch.setattr("whylight.cli.reproduce_ours.costs_of", lambda view, choices: {"rollout": 1.5})
    for _ in range(2):  # the second time nothing is run
        ran = run("reproduce", "ours", "--limit", "4", "--out", "out", "--page", "page.md")
        assert ran.status == 0
        assert "written: page.md" in ran.out
    assert "`rollout`" in Path("page.md").read_text()
    assert Path("page/ours-quality-and-cost.png").exists()
    assert run("reproduce", "ours", "--model", "scenes").status == 2
    assert run("reproduce", "legrad-table1", "--page", "page.md").status == 2
    assert "no folder of photographs" in run("reproduce", "ours", "--data", "nowhere").err


def test_a_figure_of_few_pictures_has_a_table_and_no_rank(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    protocols = (Protocol("scenes-own-object", ("auroc",)), Protocol("scenes-points", ("iou_per_class",), dear=4))
    monkeypatch.setattr(ours, "ON_SCENES", protocols)
    monkeypatch.setattr(ours, "MODELS", ("scenes",))
    monkeypatch.setattr(ours, "all_labels", lambda: "rollout,raw_attention")
    monkeypatch.setattr("whylight.cli.reproduce_ours.costs_of", lambda view, choices: {"rollout": 1.5})
    assert run("reproduce", "ours", "--limit", "32", "--out", "out", "--page", "page.md").status == 0
    ranks, own, points, _ = Path("page.md").read_text().split("\n## ")[1:]
    assert "own-object" in ranks
    assert "points" not in ranks
    assert own.startswith("scenes-own-object")
    assert points.startswith("scenes-points")
    assert "`rollout`" in points
