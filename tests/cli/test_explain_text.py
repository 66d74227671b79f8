"""``whylight explain --text``: what they print, write and skip, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Run
from PIL import Image
from zoo.text_classifier import longer_than, text_classifier

from whylight.scenes import draw_scene
from whylight.text import explain_text

TEXT = "The acting was good, not bad!"
FIRST, LAST = 10**9 + 3, 10**9 + 4


def scene(path: str, seed: int = FIRST) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_scene(seed, 48).picture).save(path)


def test_a_text_is_printed_once_per_class_and_written_as_page_and_numbers(run: Run) -> None:
    outcome = run("explain", "--text", TEXT, "-p", "good", "-p", "bad", "--model", "words", "--out", "out")
    assert outcome.status == 0
    assert not outcome.err
    assert outcome.out.count(TEXT) == 2
    known = explain_text(text_classifier(), TEXT, ["good", "bad"])
    for row, name in enumerate(known.targets):
        (line,) = [line for line in outcome.out.splitlines() if line.startswith(f"strongest for {name}: ")]
        strongest, value = known.top(row, 1)[0]
        assert line.startswith(f"strongest for {name}: {strongest.text} {value:.3g}, ")
    page, numbers = sorted(Path("out").iterdir())
    assert (page.suffix, numbers.suffix) == (".html", ".json")
    assert f"written: {page}, {numbers}" in outcome.out
    stored = json.loads(numbers.read_text(encoding="utf-8"))
    assert [target["words"] for target in stored["targets"]] == known.word_relevance.tolist()


def test_the_predicted_class_and_nothing_but_json(run: Run) -> None:
    outcome = run("explain", "--text", TEXT, "--model", "words", "--method", "raw_attention", "--json")
    (said,) = json.loads(outcome.out)["texts"]
    known = explain_text(text_classifier(), TEXT, method="raw_attention")
    assert [target["name"] for target in said["targets"]] == list(known.targets)
    assert said["targets"][0]["words"] == known.word_relevance[0].tolist()
    assert [Path(file).is_file() for file in said["files"]] == [True, True]


def test_a_pair_is_read_together_and_shown_apart(run: Run) -> None:
    pair = ("The acting was good,", "not a bad film!")
    outcome = run("explain", "--text", pair[0], "--pair", pair[1], "-p", "good", "--model", "words", "--out", "out")
    assert outcome.status == 0
    assert not outcome.err
    assert outcome.out.splitlines()[1:3] == [f"1 {pair[0]}", f"2 {pair[1]}"]
    page, numbers = sorted(Path("out").iterdir())
    assert page.read_text(encoding="utf-8").count('<div class="text"') == 2
    stored = json.loads(numbers.read_text(encoding="utf-8"))
    known = explain_text(text_classifier(), pair, "good")
    assert stored["pair"] == list(pair)
    assert stored["targets"][0]["words"] == known.word_relevance[0].tolist()
    other = run("explain", "--text", pair[1], "--pair", pair[0], "--model", "words", "--out", "out")
    assert other.status == 0
    assert len(list(Path("out").iterdir())) == 4


def test_pairs_that_cannot_be_read_are_one_line(run: Run) -> None:
    alone = run("explain", "--pair", TEXT, "--model", "words")
    assert (alone.status, alone.out) == (2, "")
    assert "give the first as --text" in alone.err
    dual = run("explain", "--text", "a red star", "--pair", "a blue ring", "--model", "clip")
    assert dual.status == 2
    assert "--pair is for text classifiers" in dual.err


def test_texts_with_the_same_beginning_are_kept_apart(run: Run) -> None:
    for end in ("good", "bad"):
        assert run("explain", "--text", f"the acting was not that {end}", "--model", "words").status == 0
    assert len(list(Path("whylight-out").glob("*.json"))) == 2


def test_what_was_not_read_is_one_note_and_windows_read_it(run: Run) -> None:
    long = longer_than(20)
    cut = run("explain", "--text", long, "--model", "words", "--json")
    assert cut.status == 0
    (note,) = cut.err.splitlines()
    assert "did not read the last 22 words" in note
    assert json.loads(cut.out)["texts"][0]["unread_words"] == 22
    whole = run("explain", "--text", long, "--model", "words", "--json", "--windows")
    assert not whole.err
    assert json.loads(whole.out)["texts"][0]["unread_words"] == 0


def test_every_picture_with_every_prompt_in_one_figure(run: Run) -> None:
    for name, seed in (("a.png", FIRST), ("b.png", LAST)):
        scene(name, seed)
    asked = ("-p", "a red star", "--text", "a blue ring", "--model", "clip", "--out", "out")
    outcome = run("explain", "a.png", "b.png", *asked, "--json")
    assert outcome.status == 0
    shown = json.loads(outcome.out)["texts"]
    assert [(pair["picture"], pair["text"]) for pair in shown] == [
        (name, prompt) for name in ("a.png", "b.png") for prompt in ("a red star", "a blue ring")
    ]
    assert [word["text"] for word in shown[0]["words"]] == ["a", "red", "star"]
    assert len({pair["figure"] for pair in shown}) == 4
    for pair in shown:
        with Image.open(pair["figure"]) as figure:
            assert np.asarray(figure.convert("RGB")).std() > 20
    printed = run("explain", "a.png", *asked).out
    assert printed.count("figure: out/a-") == 2


def test_pictures_of_one_name_keep_their_files_apart(run: Run) -> None:
    scene("one/a.png", FIRST)
    scene("two/a.png", LAST)
    outcome = run("explain", "one/a.png", "two/a.png", "--text", "a star", "--model", "clip", "--json")
    first, second = json.loads(outcome.out)["texts"]
    assert not {first["figure"], *first["files"]} & {second["figure"], *second["files"]}
    for pair in (first, second):
        assert json.loads(Path(pair["files"][1]).read_text())["targets"][0]["words"] == pair["targets"][0]["words"]


def test_a_picture_that_cannot_be_read_is_skipped_and_the_others_finish(run: Run) -> None:
    scene("a.png")
    Path("b.png").write_bytes(b"")
    outcome = run("explain", "b.png", "a.png", "--text", "a star", "--model", "clip", "--json")
    assert outcome.status == 1
    said = json.loads(outcome.out)
    assert [pair["picture"] for pair in said["texts"]] == ["a.png"]
    assert [skipped["picture"] for skipped in said["skipped"]] == ["b.png"]
    (line,) = outcome.err.splitlines()
    assert line.startswith("skipped: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.png", "--text", TEXT, "--model", "words"], "give --text and no picture"),
        (["--text", " ", "--model", "words"], "empty"),
        (["--text", TEXT, "-p", "goood", "--model", "words"], "Did you mean 'good'?"),
        (["--text", TEXT, "--model", "words", "--method", "clip_surgery"], "clip_surgery"),
        (["a.png", "--text", "a star", "--words", "--model", "clip"], "leave --words and --without out"),
        (["a.png", "--text", "a star", "--without", "a ring", "--model", "clip"], "leave --words and --without out"),
    ],
    ids=" ".join,
)
def test_errors_are_one_line_and_status_two(run: Run, words: list[str], said: str) -> None:
    scene("a.png")
    outcome = run("explain", *words)
    assert outcome.status == 2
    assert not outcome.out
    (line,) = outcome.err.splitlines()
    assert said in line


def test_a_page_that_cannot_be_written_is_one_line(run: Run) -> None:
    run("explain", "--text", TEXT, "--model", "words", "--out", "out")
    (page,) = Path("out").glob("*.html")
    page.unlink()
    page.mkdir()
    outcome = run("explain", "--text", TEXT, "--model", "words", "--out", "out")
    assert outcome.status == 2
    assert "cannot be written" in outcome.err
