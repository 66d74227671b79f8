"""A prompt's words, phrases in parentheses, and what is left of the text without some of them."""

from __future__ import annotations

import pytest

from whylight.errors import BadInput
from whylight.pictures.phrases import phrases_of


@pytest.mark.parametrize(
    ("prompt", "read", "parts"),
    [
        ("a red ring", "a red ring", ["a", "red", "ring"]),
        ("(a red ring) and (a blue star)", "a red ring and a blue star", ["a red ring", "and", "a blue star"]),
        ("Mum's half-open door, left!", "Mum's half-open door, left!", ["Mum's", "half-open", "door,", "left!"]),
        ("( a ring ), red", " a ring , red", ["a ring ,", "red"]),
        ("一只猫", "一只猫", ["一", "只", "猫"]),
        ("?", "?", ["?"]),
    ],
)
def test_parts(prompt: str, read: str, parts: list[str]) -> None:
    phrases = phrases_of(prompt)
    assert phrases.prompt == read
    assert [part.text for part in phrases.parts] == parts
    assert all(read[part.start : part.end] == part.text for part in phrases.parts)


def test_words_are_left_out_of_the_text() -> None:
    phrases = phrases_of("a  red, ring")
    assert phrases.text([True, True, True]) == "a  red, ring"
    assert phrases.text([True, False, True]) == "a ring"
    assert phrases.text([False, True, False]) == "red,"
    assert phrases.text([False, False, False]) == ""
    assert phrases_of("一只猫").text([True, False, True]) == "一猫"


@pytest.mark.parametrize("prompt", ["(a ring", "a ring)", "((a) ring)", "a () ring", ") a ("])
def test_parentheses_that_do_not_hold_words(prompt: str) -> None:
    with pytest.raises(BadInput, match="parentheses"):
        phrases_of(prompt)


def test_no_words_and_too_many() -> None:
    with pytest.raises(BadInput, match="empty"):
        phrases_of("  ")
    with pytest.raises(BadInput, match="65 words"):
        phrases_of("ring " * 65)
