"""``whylight run`` asks what ``whylight explain`` asks: differences, likeness, what speaks against, deep pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import whylight
from whylight.errors import BadInput
from whylight.maps.planning import plan_maps
from whylight.maps.settings import Wanted
from whylight.runs.run import execute
from whylight.runs.store import read_rows
from whylight.scenes import draw_scene

NAMES = ("a.png", "b.png", "c.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pictures")
    for seed, name in enumerate(NAMES):
        Image.fromarray(draw_scene(10**9 + seed, 96).picture).save(place / name)
    Image.fromarray(draw_scene(10**9 + 9, 96).picture).save(place.parent / "other.png")
    return place


def run(folder: Path, out: Path, **asked: Any) -> list[whylight.Explanation]:
    wanted = Wanted(pictures=(str(folder),), out=str(out), precision="float32", **asked)
    execute(plan_maps(wanted), str(out))
    return list(whylight.read_maps(out))


def agree(stored: list[whylight.Explanation], *asked: Any, **options: Any) -> None:
    view = whylight.load("scenes")
    assert [Path(found.key).name for found in stored] == list(NAMES)
    for found in stored:
        alone = whylight.explain(view, found.key, *asked, **options)
        assert (found.targets, found.score_name) == (alone.targets, alone.score_name)
        assert found.scores == pytest.approx(alone.scores, abs=1e-4)
        assert found.logits == pytest.approx(alone.logits, abs=1e-3)
        torch.testing.assert_close(found.relevance, alone.relevance, rtol=1e-3, atol=1e-5)


def test_this_rather_than_that(folder: Path, tmp_path: Path) -> None:
    prompts = ("a red star", "a blue ring")
    stored = run(folder, tmp_path, prompts=prompts, rather_than="a green cross")
    agree(stored, [whylight.difference(prompt, "a green cross") for prompt in prompts])


def test_prompts_without_others(folder: Path, tmp_path: Path) -> None:
    prompts, without = ("a red star", "a blue ring"), ("a star", "a plain heart")
    agree(run(folder, tmp_path / "same", prompts=prompts, without=without), list(prompts), without=list(without))
    (tmp_path / "own").mkdir()
    for name, prompt in zip(NAMES, ("a red star", "a star", "a blue ring"), strict=True):
        (tmp_path / "own" / name).write_bytes((folder / name).read_bytes())
        (tmp_path / "own" / name).with_suffix(".txt").write_text(prompt)
    own = run(tmp_path / "own", tmp_path / "maps", prompts_from="txt", without=without)
    assert [found.targets[0].partition(" without ")[0] for found in own] == ["a red star", "a blue ring"]
    alone = whylight.explain("scenes", own[1].key, "a blue ring", without=list(without))
    torch.testing.assert_close(own[1].relevance, alone.relevance, rtol=1e-3, atol=1e-5)
    refused = [row for row in read_rows(tmp_path / "maps").to_pylist() if row["status"] != "ok"]
    assert [(row["status"], Path(row["key"]).name) for row in refused] == [("bad-prompt", "b.png")]
    assert "nothing is left of 'a star'" in refused[0]["error"]


def test_likeness_and_what_speaks_against(folder: Path, tmp_path: Path) -> None:
    other = folder.parent / "other.png"
    agree(run(folder, tmp_path / "like", like=str(other)), like=other)
    agree(run(folder, tmp_path / "patch", like=str(other), patch=(2, 3)), like=other, patch=(2, 3))
    against = run(folder, tmp_path / "against", prompts=("a red star",), negative=True, methods="chefercam")
    agree(against, "a red star", "chefercam", negative=True)
    with pytest.raises(BadInput, match="other settings"):
        run(folder, tmp_path / "against", prompts=("a red star",), methods="chefercam")


def test_deep_pictures(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    deep = (draw_scene(10**9, 96).picture[..., 0].astype(np.float64) / 255 * 4095).round().astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "in" / "a.tif")
    asked = {"prompts": ("a red star",), "value_range": (0, 4095), "overlays": "png"}
    (found,) = run(tmp_path / "in", tmp_path / "out", **asked)
    alone = whylight.explain("scenes", deep, "a red star", value_range=(0, 4095))
    torch.testing.assert_close(found.relevance, alone.relevance, rtol=1e-3, atol=1e-5)
    assert list((tmp_path / "out" / "overlays").rglob("*.png"))
    wanted = Wanted(pictures=(str(tmp_path / "in"),), out=str(tmp_path / "plain"), prompts=("a red star",))
    execute(plan_maps(wanted), str(tmp_path / "plain"))
    assert not list(whylight.read_maps(tmp_path / "plain"))  # a row says why


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rather_than": "a star"}, "tells prompts apart"),
        ({"like": "other.png", "prompts": ("a star",)}, "instead of prompts"),
        ({"prompts": ("a star", "a ring"), "rather_than": "a cross", "top": 1}, "--top chooses"),
        ({"prompts": ("a star",), "rather_than": "a cross", "methods": "clip_surgery"}, "clip_surgery is defined for"),
        ({"prompts": ("a star",), "methods": "rollout:head=all"}, "a map for each head"),
        ({"like": "missing.png"}, "no such file"),
        ({"prompts": ("a star",), "rather_than": "a cross", "without": ("a ring",)}, "prompts as they are"),
        ({"without": ("a ring",)}, "name at least one"),
    ],
)
def test_what_does_not_go_together_is_one_line(folder: Path, tmp_path: Path, asked: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        run(folder, tmp_path, **asked)
    assert "\n" not in str(error.value)
