"""``whylight explain`` and ``compare``: what they write, print and skip, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image

from whylight.scenes import EXAMPLE_SEEDS, draw_scene


def picture(path: str, seed: int = 10**9 + 3) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_scene(seed, 48).picture).save(path)


def test_a_bundled_scene_when_no_picture_is_named(run: Run) -> None:
    outcome = run("explain", "--out", "out", "--json")
    assert outcome.status == 0
    (shown,) = json.loads(outcome.out)["pictures"]
    scene = draw_scene(EXAMPLE_SEEDS[0], 384)
    assert [target["name"] for target in shown["targets"]] == [
        f"a {item.texture} {item.color} {item.kind}" for item in scene.objects
    ]
    for item, target in zip(scene.objects, shown["targets"], strict=True):
        relevance = np.array(target["relevance"])
        row, column = np.unravel_index(relevance.argmax(), relevance.shape)
        patch = 384 // relevance.shape[0]
        assert item.mask[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch].any()
    with Image.open(shown["file"]) as figure:
        assert figure.width > 1000
        assert np.asarray(figure.convert("RGB")).std() > 20


def test_a_table_names_every_prompt_score_and_file(run: Run) -> None:
    picture("a.png")
    outcome = run("explain", "a.png", "-p", "a red star", "-p", "a blue ring", "--model", "clip")
    assert outcome.status == 0
    assert not outcome.err
    rows = [line for line in outcome.out.splitlines() if "whylight-out/a.png" in line]
    assert len(rows) == 2
    assert "a red star" in rows[0]
    assert "a blue ring" in rows[1]
    assert Path("whylight-out/a.png").stat().st_size > 5000


def test_globs_folders_and_files_each_once(run: Run) -> None:
    for name in ("in/b.png", "in/a.jpg", "in/deeper/c.png", "d.png"):
        picture(name)
    Path("in/notes.txt").write_text("")
    outcome = run("explain", "in", "in/*.png", "in/**/c.png", "d.png", "-p", "a star", "--model", "clip", "--json")
    names = [shown["picture"] for shown in json.loads(outcome.out)["pictures"]]
    assert names == ["in/a.jpg", "in/b.png", "in/deeper/c.png", "d.png"]


def test_a_picture_that_cannot_be_read_is_skipped_and_the_others_finish(run: Run) -> None:
    for name in ("a.png", "c.png"):
        picture(name)
    Path("b.png").write_bytes(b"")
    outcome = run("explain", "a.png", "b.png", "missing.png", "c.png", "-p", "a star", "--model", "clip", "--json")
    assert outcome.status == 1
    said = json.loads(outcome.out)
    assert [shown["picture"] for shown in said["pictures"]] == ["a.png", "c.png"]
    assert [skipped["picture"] for skipped in said["skipped"]] == ["b.png", "missing.png"]
    assert len(outcome.err.splitlines()) == 2
    assert sorted(path.name for path in Path("whylight-out").iterdir()) == ["a.png", "c.png"]


def test_figures_of_other_pictures_are_never_overwritten(run: Run) -> None:
    picture("one/cat.png", 10**9)
    picture("two/cat.png", 10**9 + 1)
    picture("three/cat.png", 10**9)
    arguments = ("-p", "a star", "--model", "clip", "--json", "--out", "out")
    both = json.loads(run("explain", "one/cat.png", "two/cat.png", *arguments).out)["pictures"]
    assert [shown["file"] for shown in both] == ["out/cat.png", "out/cat-2.png"]
    again = json.loads(run("explain", "two/cat.png", *arguments).out)["pictures"]
    assert [shown["file"] for shown in again] == ["out/cat-2.png"]
    twice = json.loads(run("explain", "one/cat.png", "three/cat.png", *arguments).out)["pictures"]
    assert [shown["file"] for shown in twice] == ["out/cat.png", "out/cat-3.png"]
    Path("out/cat.png").write_bytes(b"not ours")
    assert run("explain", "two/cat.png", *arguments).status == 0
    assert Path("out/cat.png").read_bytes() == b"not ours"


def test_classes_predictions_and_options(run: Run) -> None:
    picture("a.png")
    named = json.loads(run("explain", "a.png", "-p", "lamp", "-p", "1", "--model", "classes", "--json").out)
    assert [target["name"] for target in named["pictures"][0]["targets"]] == ["lamp", "tiger cat"]
    predicted = json.loads(run("explain", "a.png", "--model", "classes", "--json").out)
    assert len(predicted["pictures"][0]["targets"]) == 1
    sized = run("explain", "a.png", "--model", "classes", "--json", "--size", "32x64", "--start-layer", "-1")
    (shown,) = json.loads(sized.out)["pictures"]
    assert shown["input_size"] == [32, 64]
    assert shown["options"] == {"start_layer": -1}


def test_words_of_prompts_in_table_json_and_figure(run: Run) -> None:
    picture("a.png")
    asked = ("-p", "(a red star) and a ring", "--words", "--model", "clip", "--out", "out")
    (shown,) = json.loads(run("explain", "a.png", *asked, "--json").out)["pictures"]
    (target,) = shown["targets"]
    assert target["name"] == "a red star and a ring"
    assert [word["text"] for word in target["words"]] == ["a red star", "and", "a", "ring"]
    parts = [word["score"] for word in target["words"]]
    assert sum(parts) + target["no_word"]["score"] == pytest.approx(target["cosine"], abs=1e-5)
    table = run("explain", "a.png", *asked).out.splitlines()
    (row,) = [line for line in table if "  ring" in line]
    assert f"{parts[3]:+.3f}" in row
    with Image.open(shown["file"]) as figure:
        assert figure.width > 1000
    compared = run("compare", "a.png", *asked[:5], "--methods", "legrad,chefercam", "--json")
    first, second = json.loads(compared.out)["methods"]
    assert len(first["targets"][0]["words"]) == len(second["targets"][0]["words"]) == 4


def test_prompts_cleaned_of_others(run: Run) -> None:
    picture("a.png")
    outcome = run("explain", "a.png", "-p", "a star", "--without", "a ring", "--model", "clip", "--json")
    assert outcome.status == 0
    (target,) = json.loads(outcome.out)["pictures"][0]["targets"]
    assert target["name"] == "a star without a ring"
    assert run("compare", "a.png", "-p", "a star", "--without", "a ring", "--model", "clip").status == 0


def test_unknown_words_are_one_note_however_many_pictures(run: Run) -> None:
    for name in ("a.png", "b.png"):
        picture(name)
    outcome = run("explain", "a.png", "b.png", "-p", "a zebra", "--model", "clip", "--json")
    assert outcome.status == 0
    (note,) = outcome.err.splitlines()
    assert "zebra" in note
    assert len(json.loads(outcome.out)["pictures"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "scense"], "scenes"),
        (["--model", "clip", "--method", "legrat"], "legrad"),
        (["--model", "clip"], '-p "a cat"'),
        (["--model", "clip", "-p", ""], "empty"),
        (["--model", "clip", "-p", "a star", "--start-layer", "7"], "7"),
        (["--model", "clip", "-p", "a star", "--method", "gradcam", "--start-layer", "0"], "start_layer"),
        (["--model", "classes", "-p", "tabbi"], "tabby"),
        (["--model", "clip", "-p", "a star", "--size", "big"], "HEIGHTxWIDTH"),
        (["--model", "scenes", "--device", "cuda:99"], "cuda:99"),
        (["--model", "scenes", "--precision", "float12"], "float16"),
        (["--model", "clip", "-p", "a star", "--out", "a.png"], "a.png"),
        (["--model", "clip", "--words"], '-p "a cat"'),
        (["--model", "clip", "--words", "-p", "a (star"], "parentheses"),
        (["--model", "classes", "--words"], "is a classifier"),
        (["--model", "classes", "-p", "lamp", "--without", "tabby"], "is a classifier"),
        (["--model", "clip", "-p", "a star", "--without", "a star"], "nothing is left of 'a star'"),
        (["--model", "clip", "-p", "a star", "--without", "a ring", "--words"], "leave without= out"),
    ],
    ids=" ".join,
)
def test_errors_are_one_line_and_status_two(run: Run, words: list[str], said: str) -> None:
    picture("a.png")
    outcome = run("explain", "a.png", *words)
    assert outcome.status == 2
    assert not outcome.out
    (line,) = outcome.err.splitlines()
    assert said in line


def test_compare_draws_methods_and_says_which_cannot_be(run: Run) -> None:
    picture("a.png")
    named = ("--methods", "legrad,rollout,legrad", "--json")
    outcome = run("compare", "a.png", "-p", "a star", "-p", "a ring", "--model", "clip", *named)
    assert outcome.status == 0
    said = json.loads(outcome.out)
    assert [shown["method"] for shown in said["methods"]] == ["legrad", "rollout"]
    assert said["file"] == "whylight-out/a-methods.png"
    assert Path(said["file"]).exists()
    refused = run("compare", "a.png", "--model", "classes", "--methods", "legrad,clip_surgery", "--json")
    assert refused.status == 1
    assert list(json.loads(refused.out)["refused"]) == ["clip_surgery"]
    assert "clip_surgery" in refused.err
    assert run("compare", "a.png", "--model", "classes", "--methods", "legrad,rollover").status == 2


def test_pages_hold_every_picture_and_method(run: Run) -> None:
    for seed in (3, 4):
        Image.fromarray(np.full((40, 40, 3), 20 * seed, np.uint8)).save(f"p{seed}.png")
    found = run("explain", "p3.png", "p4.png", "-p", "a <b>red</b> star", "--model", "clip", "--html", "new/page.html")
    assert found.status == 0
    page = Path("new/page.html").read_text(encoding="utf-8")
    assert page.count('class="whylight-card"') == 2
    assert page.index("<h2>p3.png</h2>") < page.index("<h2>p4.png</h2>")
    assert "a &lt;b&gt;red&lt;/b&gt; star" in page
    words = ("compare", "p3.png", "-p", "a star", "-p", "a ring", "--model", "clip", "--methods", "legrad,rollout")
    assert run(*words, "--html", "compared.html").status == 0
    page = Path("compared.html").read_text(encoding="utf-8")
    assert page.count("map: legrad") == page.count("map: rollout") == 2
    assert run("explain", "p3.png", "--model", "clip", "--text", "a star", "--html", "words.html").status == 0
    page = Path("words.html").read_text(encoding="utf-8")
    assert '<div class="text"' in page
    assert "whylight-card" in page


def test_options_stand_behind_a_method_everywhere(run: Run) -> None:
    picture("a.png")
    asked = ("a.png", "-p", "a star", "--model", "clip", "--json")
    wanted = "legrad,legrad:smooth=true,keyflow:sharpness=5:power=2"
    both = json.loads(run("compare", *asked, "--methods", wanted).out)["methods"]
    assert [(each["method"], each["options"]) for each in both] == [
        ("legrad", {}),
        ("legrad", {"smooth": True}),
        ("keyflow", {"sharpness": 5, "power": 2}),
    ]
    assert "legrad:smooth=true" in run("compare", *asked[:-1], "--methods", wanted).out
    (alone,) = json.loads(run("explain", *asked, "--method", "legrad:smooth=true").out)["pictures"]
    assert alone["targets"] == both[1]["targets"] != both[0]["targets"]
    for method, more, said in (
        ("legrad:smoth=true", (), "legrad has no option 'smoth'"),
        ("keyflow:sharpness=high", (), "keyflow: sharpness='high' must be a number"),
        ("legrad:smooth", (), "options are written name=value"),
        ("legrad:start_layer=1", ("--start-layer", "1"), "start_layer is given twice"),
    ):
        refused = run("explain", *asked, "--method", method, *more)
        assert refused.status == 2
        assert said in refused.err
