"""From rows to tables and pictures, without the model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.catalog import benchmark_names, find_benchmark
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.reports.plots import draw_classes
from whylight.reports.report import write_report, write_report_page
from whylight.reports.summary import _counted_reasons, summarize, write_summary
from whylight.reports.tables import markdown, ranked
from whylight.runs.manifest import settings_of
from whylight.runs.run import execute
from whylight.runs.store import read_rows


def run(folder, benchmark, methods="raw_attention", **more):
    execute(plan(Wanted(benchmark, None, "scenes", methods, limit=4, shard_size=2, batch_size=4, **more)), folder)
    return summarize(folder)


@pytest.fixture(scope="module")
def segmentation(tmp_path_factory):
    return run(tmp_path_factory.mktemp("segmentation"), "scenes-segmentation")


@pytest.fixture(scope="module")
def perturbation(tmp_path_factory):
    return run(tmp_path_factory.mktemp("perturbation"), "scenes-perturbation")


def test_figures_are_reductions_over_rows(segmentation):
    rows = [r for r in read_rows(segmentation.folder).to_pylist() if r["method"] == "raw_attention"]
    (line,) = [line for line in segmentation.lines if line.method == "raw_attention"]
    assert line.rows == len(rows) > 4
    assert line.figures["mean_ap"].value == pytest.approx(100 * np.mean([r["average_precision"] for r in rows]))
    sums = {n: sum(r[f"{n}_mean"] for r in rows) for n in ("background", "foreground", "missed", "wrong")}
    iou = [sums[n] / (sums[n] + sums["missed"] + sums["wrong"]) for n in ("background", "foreground")]
    assert line.figures["mean_iou_mean"].value == pytest.approx(50 * sum(iou))
    assert sum(sums.values()) == len(rows) * 96 * 96
    assert all(len(row["relevance"]) == 144 for row in rows)
    assert line.figures["mean_ap"].low < line.figures["mean_ap"].value < line.figures["mean_ap"].high


def test_both_baselines_are_in_every_table(segmentation):
    text = markdown(segmentation, {("raw_attention", "target", "mean_ap"): 76.05})
    assert "| centre |" in text
    assert "| random |" in text
    assert "(published 76.05)" in text
    assert [line.method for line in ranked(segmentation)][-1] == "random"


def test_a_class_that_is_target_and_prediction_has_one_measurement(perturbation):
    rows = read_rows(perturbation.folder).to_pylist()
    by_key = {(r["picture"], r["method"], r["explained"]): r for r in rows}
    assert len(by_key) == len(rows) == 4 * 3 * 2
    for row in rows:
        other = by_key[row["picture"], row["method"], "target"]
        if row["shown"] == row["label"]:
            assert (row["positive"], row["relevance"]) == (other["positive"], other["relevance"])
        assert row["clean"] == (by_key[row["picture"], row["method"], "predicted"]["shown"] == row["label"])
        assert len(row["positive"]) == len(row["negative"]) == 9


def test_a_report_needs_no_model(segmentation, perturbation, tmp_path):
    written = write_report([segmentation, perturbation, segmentation], tmp_path)
    text = written.read_text()
    for path in tmp_path.glob("*.png"):
        assert f"({path.name})" in text
        assert np.asarray(Image.open(path).convert("L")).std() > 10
    names = {path.name for path in tmp_path.glob("*.png")}
    assert {"scenes-perturbation-0-curves.png", "scenes-segmentation-0-best.png", "scenes-segmentation.png"} <= names
    write_summary(segmentation, markdown(segmentation, {}))
    content = json.loads((segmentation.folder / "summary.json").read_text())
    assert content["pictures"] == 4
    assert {r["method"] for r in content["results"]} == {"raw_attention", "centre", "random"}


def test_bars_of_classes(segmentation, perturbation):
    rows = [r for r in read_rows(segmentation.folder).to_pylist() if r["method"] == "raw_attention"]
    labels = {row["label"] for row in rows}
    expected = {
        label: 100 * np.mean([r["foreground_precision"] for r in rows if r["label"] == label]) for label in labels
    }
    (axes,) = draw_classes(segmentation, "raw_attention").axes
    drawn = dict(zip([text.get_text() for text in axes.get_yticklabels()], axes.patches, strict=True))
    assert {label: bar.get_width() for label, bar in drawn.items()} == pytest.approx(expected)
    (few,) = draw_classes(segmentation, "raw_attention", most=2).axes
    assert [bar.get_width() for bar in few.patches] == pytest.approx([min(expected.values()), max(expected.values())])
    assert draw_classes(perturbation, "raw_attention") is None


def test_points_and_collages(tmp_path):
    points = run(tmp_path / "points", "scenes-points")
    for line in points.lines:
        assert 0 <= line.figures["iou_per_class"].low <= line.figures["iou_per_class"].high <= 100
    grid = run(tmp_path / "grid", "grid-pointing")
    (center,) = [line for line in grid.lines if line.method == "centre"]
    assert center.figures["share"].value == pytest.approx(25)
    assert center.rows == 16


def test_a_page_holds_what_the_report_holds(segmentation, perturbation, tmp_path):
    page = write_report_page([segmentation, perturbation], tmp_path / "new" / "all.html").read_text(encoding="utf-8")
    text = write_report([segmentation, perturbation], tmp_path).read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == page.count("<img") == text.count("![")
    assert page.count("<table>") == 2
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "method":
            assert "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "http" not in page


def test_what_a_benchmark_cannot_do_is_said_before_it_starts(tmp_path):
    with pytest.raises(BadInput, match="explains only"):
        plan(Wanted("scenes-points", None, "scenes", "legrad", explain="predicted"))
    with pytest.raises(BadInput, match="needs --data"):
        plan(Wanted("imagenet-segmentation", None, "scenes", "legrad"))
    with pytest.raises(BadInput, match="none of the first"):
        plan(Wanted("scenes-segmentation", None, "scenes", "legrad", explain="predicted", limit=3))


def test_reasons_keep_their_numbers():
    counted = _counted_reasons(
        ["mask a1.png is 12 x 8, its picture 9 x 9"] * 2 + ["mask b2.png is 3 x 3, its picture 4 x 4"]
    )
    assert counted == {"mask a1.png is 12 x 8, its picture 9 x 9 (and others alike)": 3}
    assert _counted_reasons(["it is empty", "12 of 13", "it is empty"]) == {"it is empty": 2, "12 of 13": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": {}}, "methods is empty"),
        ({"methods": {"legrad": {}}}, "without the name and the options"),
        ({"input_size": [96]}, "is of another run|is height and width"),
        ({"input_size": [96, 96, 3]}, "input_size"),
        ({"explained": []}, "explained is empty"),
        ({"data": {"name": "x"}}, "data has no path"),
    ],
    ids=str,
)
def test_a_manifest_of_no_run_is_one_line(change, said, segmentation, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(segmentation.folder, folder)
    content = json.loads((folder / "manifest.json").read_text())
    content["settings"] |= change
    (folder / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(BadInput, match=said) as refused:
        write_report([replace(segmentation, folder=folder, settings=settings_of(folder, Settings))], tmp_path / "out")
    assert len(str(refused.value).splitlines()) == 1


def test_the_catalogue_is_complete():
    for name in benchmark_names():
        benchmark = find_benchmark(name).protocol()
        assert benchmark.main_figure in benchmark.figures_shown
