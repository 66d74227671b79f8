"""Words of a text, and their scores out of the scores of their pieces."""

from __future__ import annotations

import pytest
import torch

from whylight.models.words import Word, split_words
from whylight.text.words import word_scores

TEXT = "It wasn't good-natured, or: so so (naïve)!"
SCORES = torch.tensor([[9.0, 1.0, 2.0, -5.0, 0.5, 9.0]])
OFFSETS = [(0, 0), (0, 3), (3, 6), (6, 8), (9, 12), (0, 0)]
WORDS = [Word("unfolded", 0, 8), Word("map", 9, 12), Word("later", 13, 18)]


def test_words_stand_where_they_say() -> None:
    words = split_words(TEXT)
    assert [word.text for word in words] == [
        "It", "wasn't", "good-natured", ",", "or", ":", "so", "so", "(", "naïve", ")", "!",
    ]  # fmt: skip
    assert all(TEXT[word.start : word.end] == word.text for word in words)


@pytest.mark.parametrize(("pieces", "first"), [("max", -5.0), ("mean", -2.0 / 3), ("sum", -2.0)])
def test_a_word_is_made_of_its_pieces_and_of_no_special_token(pieces: str, first: float) -> None:
    scores = word_scores(WORDS, OFFSETS, SCORES, pieces)  # type: ignore[arg-type]
    assert torch.allclose(scores, torch.tensor([[first, 0.5, 0.0]]))


def test_the_strongest_piece_is_the_maximum_where_nothing_is_negative() -> None:
    scores = word_scores(WORDS[:2], OFFSETS, SCORES.abs())
    assert scores.tolist() == [[5.0, 0.5]]


def test_what_was_not_read_has_no_score() -> None:
    scores = word_scores(WORDS, OFFSETS, SCORES, read=[(0, 12)])
    assert scores.isnan().tolist() == [[False, False, True]]


def test_what_was_read_may_lie_in_several_stretches() -> None:
    scores = word_scores(WORDS, [(0, 0)] * 6, SCORES, read=[(3, 8), (13, 13)])
    assert scores.isnan().tolist() == [[False, True, True]]


def test_a_piece_that_spans_two_words_counts_for_both() -> None:
    scores = word_scores([Word("a", 0, 1), Word("b", 2, 3)], [(0, 3)], torch.tensor([[4.0]]))
    assert scores.tolist() == [[4.0, 4.0]]
