"""``benchmark``, ``report`` and ``reproduce`` as a person types them."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest
from command_line import Run

from whylight.evaluation.benchmarks.catalog import benchmark_names
from whylight.evaluation.published import published_names
from whylight.runs.store import read_rows

SMALL = ("scenes-pointing", "--limit", "2", "--methods", "raw_attention", "--out", "run")


def test_a_run_its_table_and_its_report(run: Run) -> None:
    ran = run("benchmark", *SMALL)
    assert ran.status == 0
    for word in ("raw_attention", "centre", "random", "pointing", "2 pictures"):
        assert word in ran.out
    table = Path("run/summary.md").read_text()
    assert table.startswith("# scenes-pointing, scenes\n")
    assert run("benchmark", *SMALL).status == 0
    assert Path("run/summary.md").read_text() == table
    reported = run("report", "run", "--out", "report", "--compare")
    assert reported.status == 0
    assert table.splitlines()[2] in Path("report/report.md").read_text()
    refused = run("benchmark", *SMALL, "--explain", "target", "--batch", "1")
    assert refused.status == 2
    assert "other settings (batch_size: 1 here, 16 there)" in " ".join(refused.err.split())


def test_lists(run: Run) -> None:
    assert [line.split(":")[0] for line in run("benchmark", "list").out.splitlines()] == benchmark_names()
    assert [line.split(":")[0] for line in run("reproduce", "list").out.splitlines()] == [*published_names(), "ours"]


def test_a_published_table_says_what_it_needs_and_the_command_of_each_model(run: Run) -> None:
    ran = run("reproduce", "legrad-table2")
    assert ran.status == 0
    assert "data: OpenImagesV7 validation" in ran.out
    assert "weights: openclip:ViT-B-16-SigLIP/webli, 0.8 GB" in ran.out
    assert ran.out.count("command: whylight benchmark openimages-v7 --data PATH --model openclip:") == 4
    assert "| LeGrad | SigLIP-B/16 | iou_per_class (target) | 25.40 | - | not run: no data |" in ran.out
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ("benchmark", *SMALL),
        ("report", "run"),
        ("reproduce", "legrad-table2", "--data", "."),
        ("train", "movie-reviews"),
    ],
    ids=" ".join,
)
def test_a_missing_extra_is_said_before_anything_is_loaded(
    run: Run, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(name: str, **options: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("whylight.errors.importlib.util.find_spec", lambda module: None)
    monkeypatch.setattr("whylight.models.load.load", loaded)
    paths = ("--data", ".", "--out", "out") if words[0] == "train" else ()
    refused = run(*words, *paths)
    assert refused.status == 2
    assert 'which is not installed: pip install "whylight[' in refused.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("benchmark", "scenes-segmentaton"), "Did you mean scenes-segmentation"),
        (("benchmark", "scenes-points", "--methods", "legrat"), "legrad"),
        (("benchmark", "scenes-points", "--explain", "all"), "--explain is one of target, predicted, both"),
        (("benchmark", "scenes-points", "--limit", "2", "--shard", "2/2"), "i/n"),
        (
            ("benchmark", "scenes-points", "--limit", "1000000000000"),
            "--limit: a run over numbered pictures has at most",
        ),
        (("benchmark", "imagenet-segmentation"), "needs --data PATH"),
        (("benchmark", "voc-segmentation", "--data", "nowhere"), "nowhere"),
        (("report", "nowhere"), "nowhere is no folder of a run"),
        (("reproduce", "legrad-table"), "legrad-table1"),
    ],
)
def test_errors_are_one_line_and_status_two(run: Run, words: tuple[str, ...], said: str) -> None:
    ran = run(*words)
    assert ran.status == 2
    assert said in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_on_ray_as_here(run: Run) -> None:
    pytest.importorskip("ray", reason="the extra whylight[ray] is not installed")
    words = ("benchmark", "scenes-pointing", "--limit", "4", "--shard-size", "2", "--methods", "raw_attention")
    assert run(*words, "--out", "here").status == 0
    assert run(*words, "--out", "ray", "--engine", "ray").status == 0
    here, ray = (read_rows(out).to_pandas().drop(columns="seconds", errors="ignore") for out in ("here", "ray"))
    pandas.testing.assert_frame_equal(ray, here, rtol=1e-5)
