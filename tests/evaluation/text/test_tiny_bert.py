"""What a small model starts from: pieces that are the same in every run, and stretches of what is too long."""

from __future__ import annotations

import pytest
import torch
from zoo.movie_reviews import write_movies

from whylight.evaluation.training.stretches import Stretches
from whylight.evaluation.training.tiny_bert import SPECIAL, Size, tiny_bert, tiny_tokenizer


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    documents = write_movies(tmp_path_factory.mktemp("movies")) / "docs"
    return [path.read_text() for path in sorted(documents.glob("train_*.txt"))]


def test_the_same_texts_give_the_same_pieces_with_the_same_numbers(texts: list[str]) -> None:
    first, *others = (tiny_tokenizer(texts, 150, 32).get_vocab() for _ in range(4))
    assert all(other == first for other in others)
    assert tiny_tokenizer(texts[::-1], 150, 32).get_vocab() == first


def test_pieces_make_up_the_words_in_lower_case(texts: list[str]) -> None:
    tokenizer = tiny_tokenizer(texts, 150, 32)
    assert 100 < len(tokenizer) <= 150
    assert tokenizer.convert_ids_to_tokens(range(5)) == list(SPECIAL)
    ids = tokenizer("The FILM, wonderful!")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "the", "film", ",", "wonderful", "[UNK]", "[SEP]"]
    assert tokenizer.decode(tokenizer("duller")["input_ids"], skip_special_tokens=True) == "duller"


def test_few_pieces_still_spell_every_word(texts: list[str]) -> None:
    tokenizer = tiny_tokenizer(texts, 100, 32)
    assert tokenizer.unk_token_id not in tokenizer(" ".join(texts))["input_ids"]


def test_the_model_is_as_large_as_asked_and_reads_the_tokenizers_pieces(texts: list[str]) -> None:
    tokenizer = tiny_tokenizer(texts, 150, 32)
    torch.manual_seed(0)
    model = tiny_bert(tokenizer, ("NEG", "POS"), 32, Size(layers=3, width=128, vocabulary=150))
    assert model.config.num_hidden_layers == 3
    assert model.config.num_attention_heads == 2
    assert model.config.id2label == {0: "NEG", 1: "POS"}
    embeddings = model.bert.embeddings
    assert embeddings.word_embeddings.weight.shape == (len(tokenizer), 128)
    assert embeddings.position_embeddings.weight.std() < 0.2 * embeddings.word_embeddings.weight.std()


def test_stretches_of_a_long_text_begin_anywhere_and_a_short_one_is_whole(texts: list[str]) -> None:
    tokenizer = tiny_tokenizer(texts, 150, 32)
    long, short = texts[0], "the film has a plot"
    content = tokenizer(long, add_special_tokens=False)["input_ids"]
    stretches = Stretches(tokenizer, [long, short], [1, 0], 32, seed=0)
    seen = set()
    for _ in range(200):
        row = stretches[0]
        first, *middle, last = row["input_ids"]
        assert (first, last, len(middle)) == (tokenizer.cls_token_id, tokenizer.sep_token_id, 30)
        assert row["attention_mask"] == [1] * 32
        assert row["label"] == 1
        seen.add(next(i for i in range(len(content) - 29) if content[i : i + 30] == middle))
    assert seen == set(range(len(content) - 29))
    assert stretches[1] == dict(tokenizer(short)) | {"label": 0}
    first, again, other = (Stretches(tokenizer, [long], [1], 32, seed) for seed in (0, 0, 1))
    drawn = [first[0] for _ in range(9)]
    assert drawn == [again[0] for _ in range(9)]
    assert drawn != [other[0] for _ in range(9)]
