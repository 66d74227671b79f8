"""Words as a reader of their script counts them, and what reaches terminals and pages of a text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from zoo.text_classifier import text_classifier, tokenizer

import whylight
from whylight.errors import visible
from whylight.models.transformers import wrap_transformers
from whylight.models.words import split_words

LINES = {
    "यह फ़िल्म बहुत अच्छी है": 5,
    "שָׁלוֹם עוֹלָם": 2,
    "مَرْحَبًا بك": 2,
    "cafe\u0301 noir": 2,
    "한국어 영화는 재미있다": 3,
    "I ❤️ 👨‍👩‍👧 this": 4,
    "don't well-known snake_case": 3,
    "这部电影很好看，": 8,
}


@pytest.mark.parametrize("line", LINES)
def test_words_of_scripts(line: str) -> None:
    words = split_words(line)
    assert len(words) == LINES[line]
    assert all(line[word.start : word.end] == word.text for word in words)
    assert "".join(word.text for word in words) == "".join(line.split())


def test_escape_sequences_reach_neither_terminal_nor_page() -> None:
    bad = "the \x1b[31mfilm\x9b2J \u202egood"
    found = whylight.explain_text(text_classifier(), bad, [0])
    page = found.html()
    out = io.StringIO()
    Console(file=out, force_terminal=False).print(found)
    for text in (page, out.getvalue()):
        assert not {"\x1b", "\x9b", "\u202e"} & set(text)
        assert "good" in text
    assert len(visible(bad)) == len(bad)


def test_windows_do_not_depend_on_the_padding_side() -> None:
    text = " ".join(["the film was good", "a bad act"] * 5)
    left, right = (
        whylight.explain_text(
            wrap_transformers(text_classifier().module, name="tiny", tokenizer=tokenizer(padding_side=side)),
            text,
            [0, 1],
            windows=True,
        )
        for side in ("left", "right")
    )
    assert left.logits == pytest.approx(right.logits, abs=1e-6)
    assert left.word_relevance.allclose(right.word_relevance, atol=1e-6)


def test_what_a_left_cut_leaves_out_is_the_beginning() -> None:
    view = wrap_transformers(text_classifier().module, name="tiny", tokenizer=tokenizer(truncation_side="left"))
    with pytest.warns(whylight.errors.WhylightWarning, match="first 10 words"):
        found = whylight.explain_text(view, " ".join(["film"] * 28), [0])
    assert found.word_relevance[0].isnan().tolist() == [True] * 10 + [False] * 18
