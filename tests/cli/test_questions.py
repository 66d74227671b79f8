"""What can be asked on the command line beside prompts: differences, likeness, what speaks against, heads, videos."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image

from whylight.pictures.video import Video, VideoWriter
from whylight.scenes import draw_scene


def picture(path: str, seed: int = 10**9 + 3) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_scene(seed, 48).picture).save(path)


def test_this_rather_than_that(run: Run) -> None:
    picture("a.png")
    asked = ("-p", "a red star", "-p", "a blue ring", "--model", "clip", "--json")
    apart = json.loads(run("explain", "a.png", *asked, "-p", "a cross").out)["pictures"][0]["targets"]
    outcome = run("explain", "a.png", *asked, "--rather-than", "a cross", "--method", "gradcam")
    shown = json.loads(outcome.out)["pictures"][0]["targets"]
    assert [t["name"] for t in shown] == ["a red star rather than a cross", "a blue ring rather than a cross"]
    for one, plain in zip(shown, apart, strict=False):
        assert one["difference"] == pytest.approx(plain["logit"] - apart[2]["logit"], abs=1e-4)
    table = run("explain", "a.png", "-p", "lamp", "--rather-than", "1", "--model", "classes")
    assert "difference" in table.out
    assert "lamp rather than tiger cat" in table.out


def test_likeness_and_what_speaks_against(run: Run) -> None:
    picture("a.png")
    picture("b.png", 10**9 + 5)
    for words, name in ((("--like", "b.png"), "like b.png"), (("--like", "b.png", "--patch", "1,2"), "patch 1, 2")):
        said = json.loads(run("explain", "a.png", *words, "--model", "clip", "--json").out)["pictures"][0]
        assert name in said["targets"][0]["name"]
        assert -1 <= said["targets"][0]["cosine"] <= 1
    plain = json.loads(run("explain", "a.png", "--model", "classes", "--method", "gradcam", "--json").out)
    against = json.loads(
        run("explain", "a.png", "--model", "classes", "--method", "gradcam", "--negative", "--json").out
    )
    one, other = plain["pictures"][0]["targets"][0], against["pictures"][0]["targets"][0]
    assert other["name"] == f"against {one['name']}"
    np.testing.assert_allclose(other["relevance"], -np.array(one["relevance"]))
    compared = run("compare", "a.png", "-p", "a star", "--rather-than", "a ring", "--negative", "--model", "clip",
                   "--methods", "legrad,gem", "--json")  # fmt: skip
    assert json.loads(compared.out)["methods"][1]["targets"][0]["name"] == "against a star rather than a ring"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rather-than", "a cross"), "--rather-than tells prompts apart"),
        (("--like", "b.png", "-p", "a star"), "instead of --prompt"),
        (("--patch", "1,2"), "give like, too"),
        (("--like", "b.png", "--patch", "1"), "ROW,COLUMN"),
        (("--like", "missing.png"), "no such file"),
        (("-p", "a star", "--words", "--negative"), "--negative beside --words"),
        (("-p", "a star", "--without", "a ring", "--rather-than", "a cross"), "about prompts as they are"),
        (("-p", "a star", "--method", "raw_attention", "--head", "9"), "outside a layer of"),
        (("-p", "a star", "--method", "legrad", "--head", "1"), "legrad has no option 'head'"),
    ],
)
def test_what_does_not_go_together_is_one_line(run: Run, words: tuple[str, ...], said: str) -> None:
    picture("a.png")
    picture("b.png")
    outcome = run("explain", "a.png", *words, "--model", "clip")
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
    assert said in outcome.err


def test_heads_of_a_layer(run: Run) -> None:
    picture("a.png")
    outcome = run("attention", "a.png", "--model", "clip", "--layer", "0", "--query", "1,2", "--query", "0,0", "--json")
    said = json.loads(outcome.out)
    assert [query["query"] for query in said["queries"]] == ["patch 1,2", "patch 0,0"]
    assert np.array(said["queries"][0]["heads"]).shape == (4, 4, 4)
    assert [query["file"] for query in said["queries"]] == [f"whylight-out/a-attention{n}.png" for n in ("", "-2")]
    again = run("attention", "a.png", "--model", "clip", "--layer", "0", "--query", "0,0")
    assert "whylight-out/a-attention-2.png" in again.out
    for words, line in ((("--query", "9,9"), "no patch (9, 9)"), (("--layer", "5"), "outside a model of 2 layers")):
        wrong = run("attention", "a.png", "--model", "clip", *words)
        assert (wrong.status, line in wrong.err) == (2, True)
    one = run(
        "explain", "a.png", "-p", "a star", "--model", "clip", "--method", "rollout", "--layer", "0", "--head", "max"
    )
    assert one.status == 0


def test_deep_pictures(run: Run) -> None:
    deep = np.linspace(0, 4095, 48 * 48).reshape(48, 48).astype(np.uint16)
    Image.fromarray(deep).save("a.tif")
    refused = run("explain", "a.tif", "--model", "classes")
    assert refused.status == 1
    assert "--value-range BLACK WHITE" in refused.err
    good = run("explain", "a.tif", "--model", "classes", "--value-range", "0", "4095", "--json")
    assert good.status == 0
    eight = Image.fromarray((deep / 4095 * 255).round().astype(np.uint8))
    eight.save("b.png")
    plain = json.loads(run("explain", "b.png", "--model", "classes", "--json").out)["pictures"][0]["targets"][0]
    shown = json.loads(good.out)["pictures"][0]["targets"][0]
    np.testing.assert_allclose(shown["relevance"], plain["relevance"], rtol=0.05, atol=1e-4)
    assert run("attention", "a.tif", "--model", "classes", "--value-range", "0", "4095").status == 0


def test_a_folder_of_frames_becomes_a_video(run: Run) -> None:
    for number in range(5):
        picture(f"in/{number}.png", 10**9 + number)
    Path("in/3.png").write_bytes(b"no picture")
    outcome = run("explain", "in", "-p", "a star", "--model", "clip", "--video", "out/film.mp4", "--fps", "5")
    assert outcome.status == 1  # one frame was skipped, and says so
    assert "in/3.png" in outcome.err
    film = Video(Path("out/film.mp4"))
    frames = [np.asarray(frame) for _, frame in film]
    assert (len(frames), film.rate) == (4, 5)
    assert frames[0].shape[1] == 2 * (48 + 4) + 4
    assert np.abs(frames[0].astype(int) - frames[1].astype(int)).max() > 50
    said = json.loads(
        run("explain", "in", "-p", "a star", "--model", "clip", "--video", "b.mp4", "--every", "2", "--json").out
    )
    assert [frame["frame"] for frame in said["frames"]] == ["0.png", "2.png", "4.png"]


def test_a_video_becomes_a_video(run: Run) -> None:
    with VideoWriter(Path("a.mp4"), Fraction(10)) as film:
        for number in range(6):
            film.add(Image.fromarray(draw_scene(10**9 + number, 48).picture))
    outcome = run("explain", "a.mp4", "--model", "classes", "--every", "2")
    assert outcome.status == 0, outcome.err
    assert "whylight-out/a.mp4" in outcome.out
    assert len(list(Video(Path("whylight-out/a.mp4")))) == 3
    Path("cut.mp4").write_bytes(Path("a.mp4").read_bytes()[:900])
    for words, line in (
        (("cut.mp4",), "cut.mp4 cannot be read as a video"),
        (("a.mp4", "b.mp4"), "one video at a time"),
        (("missing.mp4",), "no such file"),
        (("a.mp4", "--html", "a.html"), "leave --words and --html out"),
    ):
        wrong = run("explain", *words, "--model", "classes")
        assert wrong.status == 2
        assert line in wrong.err
        assert len(wrong.err.splitlines()) == 1
