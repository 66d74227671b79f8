"""The tokenizer: words to numbers and back, and which words it does not know."""

from __future__ import annotations

import torch

from whylight.scenes import FIRST_EVALUATION_SEED, scenes
from whylight.scenes.vocabulary import CONTEXT_LENGTH, VOCABULARY_SIZE, SceneTokenizer

tokenizer = SceneTokenizer()


def test_captions_survive_the_round_trip():
    captions = [scene.caption for scene in scenes(FIRST_EVALUATION_SEED, 40)]
    tokens = tokenizer(captions)
    assert tokens.shape == (40, CONTEXT_LENGTH)
    assert tokens.dtype == torch.int64
    for caption, row in zip(captions, tokens, strict=True):
        assert tokenizer.decode(row) == caption.replace(",", "")
        assert not tokenizer.unknown_words(caption)


def test_the_end_token_is_the_largest_and_comes_once():
    tokens = tokenizer(["a red star", "", "a blue ring and " * 20])
    assert (tokens == VOCABULARY_SIZE - 1).sum(1).tolist() == [1, 1, 1]
    assert tokens.max() == VOCABULARY_SIZE - 1
    assert tokens.argmax(1).tolist() == [4, 1, CONTEXT_LENGTH - 1]


def test_one_text_is_a_batch_of_one():
    assert torch.equal(tokenizer("a red star"), tokenizer(["A  red, STAR!"]))
    assert tokenizer([]).shape == (0, CONTEXT_LENGTH)


def test_unknown_words_are_named_once_in_order():
    assert tokenizer.unknown_words("a Zebra and a red cat, a zebra") == ["zebra", "cat"]
    assert "star" in tokenizer.words
    assert "zebra" not in tokenizer.words
    assert tokenizer.decode(tokenizer(["a zebra"])[0]) == "a ?"
