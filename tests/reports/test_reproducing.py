"""Published tables: every cell has a method, a benchmark and a mark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from whylight.errors import UnknownName
from whylight.evaluation.benchmarks.catalog import find_benchmark
from whylight.evaluation.estimates import Estimate
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.published import Cell, PublishedTable, figures_for, published_names, published_table
from whylight.evaluation.reproducing import Reproduction, command, explained, needs
from whylight.reports.outcomes import Outcome, outcome_table, outcomes_of


@pytest.mark.parametrize("name", published_names())
def test_every_cell_can_be_run(name):
    table = published_table(name)
    benchmark = find_benchmark(table.benchmark).protocol()
    for cell in table.cells:
        assert cell.figure in benchmark.figures_shown
        assert cell.explained in benchmark.explains
        assert 0 < cell.value < 100
    for model in table.models():
        assert [choice.label for choice in parse_methods(",".join(table.methods(model)))][:-2] == table.methods(model)
        assert model in table.weights
        assert table.benchmark in command(table, model, table.methods(model), explained(table))
    assert len(needs(table)) == 1 + len(table.weights)


def test_some_cells_as_they_were_published():
    found = figures_for("imagenet-segmentation", "openclip:ViT-B-16/laion2b_s34b_b88k")
    assert found["legrad", "target", "mean_iou_0.5"] == 58.66
    assert found["chefercam", "target", "mean_iou_mean"] == 47.47
    found = figures_for("imagenet-perturbation", "openclip:ViT-bigG-14/laion2b_s39b_b160k")
    assert found["legrad", "target", "positive_auc"] == 20.28
    assert figures_for("openimages-v7", "openclip:ViT-B-16-SigLIP/webli")["legrad", "target", "iou_per_class"] == 25.40
    with pytest.raises(UnknownName, match="legrad-table1"):
        published_table("legrad-table")


def outcome(value, low, high, published):
    cell = Cell("LeGrad", "M", "legrad", "scenes", "target", "mean_ap", published)
    return Outcome(cell, Estimate(*(np.asarray(v) for v in (value, low, high))))


def outcomes_of_all(reproduction):
    table = reproduction.table
    return [one for model in table.models() for one in outcomes_of(table, model, reproduction.run(model))]


def test_marks():
    assert outcome(80.0, 78.0, 82.0, 81.9).mark == "reproduced"
    assert outcome(80.0, 79.9, 80.1, 80.4).mark == "reproduced"
    assert outcome(80.0, 78.0, 82.0, 83.25).mark == "off by -3.25"
    assert outcome(80.0, 78.0, 82.0, 70.0).mark == "off by +10.00"


def test_what_is_there_is_run_and_the_rest_says_why(tmp_path):
    def cell(method, weights):
        return Cell(method, weights, method, weights, "target", "mean_ap", 50.0)

    table = PublishedTable(
        name="made-up",
        title="Made up",
        source="nowhere",
        note="",
        benchmark="scenes-segmentation",
        data="none",
        weights={"scenes": "7 MB", "timm:local-dir:/not/here": "0"},
        cells=(
            cell("raw_attention", "scenes"),
            cell("legrad:empty_prompt_correction=true", "scenes"),
            cell("legrad", "timm:local-dir:/not/here"),
        ),
    )
    nothing = outcomes_of_all(Reproduction(table, None, tmp_path))
    assert [o.mark for o in nothing] == ["not run: no data"] * 3
    ran, refused, absent = outcomes_of_all(Reproduction(table, Path("-"), tmp_path, limit=2))
    assert ran.mark.startswith("off by +")
    assert "attention pooling" in refused.mark
    assert absent.mark.startswith("not run: ")
    text = outcome_table(table, [ran, refused, absent])
    assert text.count("\n|") == 5
