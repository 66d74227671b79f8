"""All methods on all protocols: what is run, ranks by hand, halves, and the page that is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from whylight.evaluation.benchmarks.catalog import find_benchmark
from whylight.evaluation.method_choices import parse_methods
from whylight.evaluation.ours import ON_PHOTOGRAPHS, ON_SCENES, Everything, Job, Protocol, all_labels
from whylight.reports import ours
from whylight.reports.ours import (
    BEGIN,
    END,
    Column,
    _places,
    columns_of,
    into_page,
    mean_rank,
    methods_of,
    write_ours,
)
from whylight.reports.ours_plots import draw_places, draw_quality_and_cost
from whylight.reports.summary import half_of, summarize

SEGMENTATION = Protocol("scenes-segmentation", ("foreground_ap", "mean_iou_0.5"))


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("ours") / "scenes-segmentation-scenes"
    ran = Job(SEGMENTATION, "scenes", None, folder)
    said: list[str] = []
    labels = "chefercam,rollout,lrp:smooth=true"
    assert Everything(folder.parent, limit=8, labels=labels).run(ran, said.append)
    assert [line.split(":")[1] for line in said] == [" without lrp"]
    return ran


@pytest.mark.parametrize("protocol", [*ON_SCENES, *ON_PHOTOGRAPHS], ids=lambda p: p.benchmark)
def test_every_figure_that_is_compared_is_one(protocol: Protocol) -> None:
    assert set(protocol.figures) <= find_benchmark(protocol.benchmark).protocol().figures_shown.keys()


def test_all_methods_with_and_without_smooth() -> None:
    labels = [choice.label for choice in parse_methods(all_labels())]
    assert {"legrad", "legrad:smooth=true", "keyflow", "rollout:smooth=true"} <= set(labels)
    assert "keyflow:smooth=true" not in labels


def test_photographs_are_run_where_they_and_their_model_are_there(tmp_path: Path) -> None:
    assert {job.model for job in Everything(tmp_path).jobs()} == {"scenes", "scenes-siglip"}
    assert len(list(Everything(tmp_path, tmp_path).jobs())) == 2 * len(ON_SCENES)
    for folder in ("images/davis", "weights/vit_tiny_imagenet200"):
        (tmp_path / folder).mkdir(parents=True)
    more = [job for job in Everything(tmp_path, tmp_path).jobs() if job.data is not None]
    assert [job.protocol.benchmark for job in more] == ["davis-segmentation"]


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    said: list[str] = []
    job = Job(SEGMENTATION, "timm:local-dir:/not/here", None, tmp_path / "run")
    assert not Everything(tmp_path, limit=2, labels="rollout").run(job, said.append)
    assert said[0].startswith("not run: run: ")


def test_halves_share_no_picture_and_miss_none(job: Job) -> None:
    whole, reported, chosen = (
        summarize(job.folder),
        summarize(job.folder, "reporting"),
        summarize(job.folder, "choosing"),
    )
    assert reported.pictures + chosen.pictures == whole.pictures == 8
    assert reported.only == "the reporting half"
    names = [str(10**9 + index) for index in range(1000)]
    assert 450 < sum(half_of(name) == "reporting" for name in names) < 550


def test_ranks_and_their_mean_by_hand(job: Job) -> None:
    first, second = columns_of([job, Job(SEGMENTATION, "scenes", None, job.folder / "nothing")])
    assert first.ranks == {"chefercam": 1, "rollout": 2}
    assert first.chosen == "chefercam"
    other = Column(first.summary, first.name, {"rollout": 1, "gem": 2, "chefercam": 3}, "rollout")
    assert mean_rank([first, other], "chefercam") == (0 + 1) / 2
    assert mean_rank([first, other], "rollout") == (1 + 0) / 2
    assert mean_rank([first, other], "gem") == 0.5
    assert methods_of([first, second]) == ["chefercam", "rollout"]


def test_level_methods_share_a_place(job: Job) -> None:
    summary = summarize(job.folder)
    found = {line.method: line for line in summary.lines}
    level = [replace(found["chefercam"], method=name) for name in ("a", "b")]
    lines = [found["rollout"], *level, replace(found["rollout"], method="c"), found["random"]]
    assert _places(replace(summary, lines=lines), "foreground_ap") == {"a": 1, "b": 1, "rollout": 3, "c": 3}


def test_the_page_has_ranks_figures_pictures_and_published_figures(job: Job, tmp_path: Path) -> None:
    text = write_ours(columns_of([job]), {"scenes": {"chefercam": 2.5, "rollout": 1.2}}, tmp_path / "results")
    assert "| `chefercam` | 0 | 2.5 | 1 | 1 |" in text
    assert "| `rollout` | 100 | 1.2 | 2 | 2 |" in text
    assert "the reporting half; 95 % bootstrap intervals." in text
    assert "| `centre` | " in text
    assert "| LeGrad | ViT-B/16 | mean_iou_0.5 (target) | 58.66 | arXiv 2404.03214" in text
    assert "OpenImages" not in text  # no points were measured here
    drawn = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert drawn == ["ours-failures-scenes-segmentation-scenes.png", "ours-places.png", "ours-quality-and-cost.png"]
    assert all(f"(results/{name})" in text for name in drawn)
    page = tmp_path / "results.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    into_page(page, "new")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n{END}\nafter\n"
    into_page(tmp_path / "other.md", "new")
    assert BEGIN in (tmp_path / "other.md").read_text()


def test_a_few_pictures_make_no_table(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "FEWEST_SHOWN", 9)
    text = write_ours(columns_of([job]), {"scenes": {"chefercam": 2.5, "rollout": 1.2}}, tmp_path / "results")
    assert "## scenes-segmentation" not in text


def test_the_line_of_the_plot_joins_what_none_beats_in_both() -> None:
    ranks, costs = {"a": 0.1, "b": 0.5, "c": 0.6}, {"m": {"a": 4.0, "b": 1.0, "c": 2.0}}
    (axes,) = draw_quality_and_cost(ranks, costs).axes
    bold = {text.get_text() for text in axes.texts if text.get_fontweight() == "bold"}
    assert bold == {"a", "b"}


def test_the_places_of_each_column_stand_in_its_cells() -> None:
    places = {"keyflow": [1, 2, None], "rollout:smooth=true": [2, 1, 1]}
    (axes,) = draw_places(["a: segmentation, AP", "a: segmentation, IoU", "b: points, IoU"], places).axes
    cells = {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "1", (0, 1): "2", (1, 0): "2", (1, 1): "1", (1, 2): "1"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["keyflow", "rollout + smooth"]
    (drawn,) = (image.get_array() for image in axes.images)
    assert drawn[0, 0] < drawn[1, 0]
    assert drawn[1, 1] < drawn[0, 1]
    assert len(axes.lines) == 1  # between the runs


@pytest.mark.filterwarnings("error")
def test_a_column_without_places_stays_empty() -> None:
    (axes,) = draw_places(["a: points, IoU", "b: points, IoU"], {"keyflow": [None, 1], "rollout": [None, 1]}).axes
    assert [text.get_position()[0] for text in axes.texts] == [1, 1]
    assert {text.get_color() for text in axes.texts} == {"black"}  # level ones are all first: light
