"""Explained texts as terminal colours, as a page, as JSON."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from zoo.text_classifier import longer_than, text_classifier

from whylight.errors import BadInput
from whylight.pictures.word_colors import colors, ink
from whylight.text import TextExplanation, explain_text

TEXT = 'The <acting> was good,\nnot bad & "so"!'


def explanation(text: str = TEXT) -> TextExplanation:
    return explain_text(text_classifier(), text, [0, 1])


def test_colours_are_relative_to_the_strongest_word() -> None:
    strong, faint, none = colors(torch.tensor([2.0, 1.0, 0.001]))
    assert strong is not None
    assert faint is not None
    assert none is None
    assert sum(strong) < sum(faint)
    assert colors(torch.tensor([4.0, 2.0, 0.002])) == [strong, faint, none]
    assert colors(torch.zeros(2)) == [None, None]
    assert colors(torch.tensor([torch.nan, 1.0]))[0] is None


def test_signed_colours_diverge() -> None:
    for_it, against, between = colors(torch.tensor([1.0, -1.0, 0.0]))
    assert for_it is not None
    assert against is not None
    assert between is None
    assert for_it[0] > for_it[2]
    assert against[2] > against[0]


def test_ink_reads_on_its_background() -> None:
    assert ink((255, 255, 255)) == (0, 0, 0)
    assert ink((0, 0, 60)) == (255, 255, 255)


def test_the_page_holds_the_text_as_it_is_and_nothing_from_elsewhere() -> None:
    page = explanation().html()
    bodies = re.findall(r'<div class="text"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert len(bodies) == 2
    assert all(html.unescape(re.sub(r"<[^>]+>", "", body)) == TEXT for body in bodies)
    assert not re.search(r"<script|https?:|<link|src=", page)
    assert "background:#" in page


def test_the_terminal_shows_the_text_in_colours() -> None:
    console = Console(record=True, width=60, color_system="truecolor", force_terminal=True, file=io.StringIO())
    shown = explanation()
    console.print(shown)
    colored = console.export_text(styles=True, clear=False)
    plain = console.export_text()
    assert "48;2;" in colored
    assert plain.count('The <acting> was good,\nnot bad & "so"!') == 2
    assert plain.startswith("bad  probability ")


def test_what_was_not_read_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="did not read"):
        shown = explain_text(text_classifier(12), longer_than(12), 0)
    assert "did not read" in shown.html()
    assert 'class="unread" title="not read"' in shown.html()
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(shown)
    assert "did not read" in console.export_text()
    words = json.loads(shown.save(tmp_path / "text.json").read_text())["targets"][0]["words"]
    assert words[-1] is None
    assert words[0] is not None


def test_json_holds_every_number(tmp_path: Path) -> None:
    shown = explanation()
    stored = json.loads(shown.save(tmp_path / "text.json").read_text(encoding="utf-8"))
    assert stored["text"] == TEXT
    assert stored["model"] == "tiny"
    assert stored["method"] == "legrad"
    assert [target["name"] for target in stored["targets"]] == ["bad", "good"]
    assert torch.tensor(stored["targets"][1]["words"], dtype=torch.float64).equal(shown.word_relevance[1])
    assert torch.tensor(stored["targets"][1]["tokens"], dtype=torch.float64).equal(shown.relevance[1])
    assert all(TEXT[word["start"] : word["end"]] == word["text"] for word in stored["words"])
    assert {"whylight", "torch"} <= set(stored["versions"])


def test_saving_goes_by_the_ending(tmp_path: Path) -> None:
    shown = explanation()
    assert shown.save(tmp_path / "text.html").read_text(encoding="utf-8") == shown.html()
    with pytest.raises(BadInput, match=r"\.html or \.json"):
        shown.save(tmp_path / "text.docx")


def test_signed_relevance_says_what_the_colours_mean() -> None:
    shown = explanation()
    assert not shown.signed
    assert "darker words weigh more" in shown.html()
    against = replace(shown, word_relevance=-shown.word_relevance)
    assert against.signed
    assert "blue against it" in against.html()
