"""Train from scratch, explain, score: the whole road over a small made corpus, without any download."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from zoo.movie_reviews import pack, write_movies

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.token_f1 import WORDS
from whylight.evaluation.training.movie_reviews import Recipe, train
from whylight.evaluation.training.tiny_bert import Size
from whylight.reports.report import write_report
from whylight.reports.summary import summarize
from whylight.reports.tables import markdown
from whylight.runs.run import execute
from whylight.runs.store import read_rows

RECIPE = Recipe(start=None, tiny=Size(1, 32, 200), longest=32, learning_rate=3e-3, epochs=9)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("movies")
    movies = write_movies(place)
    broken = movies / "test.jsonl"
    broken.write_text(broken.read_text() + "{}\n")
    train(pack(movies), place / "model", RECIPE)
    return place


def wanted(place: Path, **changed: object) -> Wanted:
    model = f"hf:local-dir:{place / 'model'}"
    asked = {"data": place / "movies", "model": model, "methods": "chefercam,raw_attention", "shard_size": 8}
    return Wanted(**{"benchmark": "movie-reviews", "batch_size": 4} | asked | changed)


@pytest.fixture(scope="module")
def run(place: Path) -> Path:
    execute(plan(wanted(place)), place / "run")
    return place / "run"


def test_training_learns_and_says_what_it_did(place: Path) -> None:
    outcome = json.loads((place / "model" / "training.json").read_text())["outcome"]
    assert outcome["accuracy"] == {"val": 1.0, "test": 1.0}
    assert outcome["reviews"] == {"train": 80, "val": 20, "test": 20}
    assert outcome["cut"] == outcome["reviews"], "every review has 40 words, the model reads 30"
    assert outcome["skipped"] == {"test: test.jsonl line 21": "its line has no annotation_id"}
    assert not (place / "model" / "checkpoints").exists()
    with pytest.raises(BadInput, match="empty folder"):
        train(place / "movies", place / "model", RECIPE)


def test_words_that_decide_are_found_and_noise_finds_them_by_chance(place: Path, run: Path) -> None:
    summary = summarize(run)
    found = {line.method: line.figures for line in summary.lines}
    assert list(found) == ["chefercam", "raw_attention", "random"]
    assert found["chefercam"]["auprc"].low > found["random"]["auprc"].high
    assert found["chefercam"]["comprehensiveness"].value > found["random"]["comprehensiveness"].value
    assert found["chefercam"]["f1_curve"].value.shape == (len(WORDS),)
    assert found["random"]["cut"].value == 100
    assert found["random"]["read"].value == pytest.approx(75)
    assert summary.skipped == {"its line has no annotation_id": 1}
    table = markdown(summary, {})
    assert "20 documents of ERASER Movie Reviews (test)" in table
    assert "words read | documents |" in table
    report = write_report([summary], place / "report")
    assert (report.parent / "movie-reviews-0-words.png").stat().st_size > 10_000


def test_rows_do_not_depend_on_the_batch_and_a_run_goes_on(place: Path, run: Path) -> None:
    planned = plan(wanted(place, batch_size=1, methods="chefercam"))
    folder = place / "alone"
    execute(planned, folder)
    (folder / "rows" / "shard-00001.parquet").unlink()
    execute(planned, folder)
    alone, together = (
        {r["picture"]: r for r in read_rows(rows).to_pylist() if r["method"] == "chefercam"} for rows in (folder, run)
    )
    assert list(alone) == list(together)
    for name, row in alone.items():
        assert row["f1"] == together[name]["f1"]
        assert np.allclose(row["relevance"], together[name]["relevance"], atol=1e-6, equal_nan=True)
        assert row["sufficiency"] == pytest.approx(together[name]["sufficiency"], abs=1e-5)


def test_what_does_not_fit_is_refused(place: Path) -> None:
    for changed, line in (
        ({"data": None}, "needs --data"),
        ({"model": "scenes"}, "no text classifier"),
        ({"methods": "clip_surgery"}, "clip_surgery cannot explain this model"),
        ({"explain": "predicted"}, "only: target"),
    ):
        with pytest.raises(Exception, match=line):
            plan(wanted(place, **changed))
