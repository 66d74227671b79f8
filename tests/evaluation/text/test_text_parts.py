"""Words and pieces: which piece is whose, and texts with words taken out read like texts written without them."""

from __future__ import annotations

import re

import pytest
import torch
from zoo.text_classifier import text_classifier

from whylight.evaluation.text_parts import in_probability, only, word_maxima, words_of_pieces

TEXT = "the acting was good ,\nnot bad"


def test_pieces_belong_to_words_between_white_space() -> None:
    view = text_classifier()
    offsets = view.tokenizer(TEXT, return_offsets_mapping=True)["offset_mapping"]
    words = [found.span() for found in re.finditer(r"\S+", TEXT)]
    assert words_of_pieces(words, offsets).tolist() == [-1, 0, 1, 1, 2, 3, 4, 5, 6, -1]


def test_a_word_has_the_largest_score_of_its_pieces_also_where_all_are_negative() -> None:
    owner = torch.tensor([-1, 0, 1, 1, 2, -1])
    scores = word_maxima(torch.tensor([9.0, 1.0, -2.0, -1.0, 0.0, 9.0]), owner, 4)
    assert scores[:3].tolist() == [1.0, -1.0, 0.0]
    assert scores[3].isnan(), "no piece: the text was cut before it"


def test_a_text_without_words_is_the_text_written_without_them() -> None:
    view = text_classifier()
    words = TEXT.split()
    owner = words_of_pieces(
        [found.span() for found in re.finditer(r"\S+", TEXT)],
        view.tokenizer(TEXT, return_offsets_mapping=True)["offset_mapping"],
    )
    keep = torch.tensor([[True] * 7, [True, False, True, True, False, True, False], [False] * 7])
    inputs = only(view.tokenize([TEXT]), owner, keep, view.tokenizer.pad_token_id)
    written = [" ".join(word for word, kept in zip(words, row, strict=True) if kept) for row in keep.tolist()]
    expected = view.tokenize(written)
    assert torch.equal(inputs["input_ids"], expected["input_ids"])
    assert torch.equal(inputs["attention_mask"], expected["attention_mask"])
    alone = [view.output(view.tokenize([text])).softmax(-1)[0, 1].item() for text in written]
    assert in_probability(view, inputs, 1).tolist() == pytest.approx(alone, abs=1e-6)
