"""Pairs of sentences: read together as the model reads them, the words of each where they stand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import processors
from zoo.text_classifier import VOCABULARY, longer_than, text_classifier, tokenizer
from zoo.transformers_models import BERT, build

import whylight
from whylight.errors import BadInput, WhylightWarning
from whylight.methods import relevance
from whylight.models.transformers import load_transformers, wrap_transformers
from whylight.models.transformers.view import TransformersTextView
from whylight.text import TextExplanation, explain_text
from whylight.text.read import read_text

TYPED: Any = {"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]}
PAIR = ("The acting was good,", "not a bad film!")


def cross_encoder(**noted: Any) -> Any:
    """One logit, as sentence-transformers' cross-encoders have it."""
    config = transformers.BertConfig(**BERT | {"num_labels": 1}, **noted)
    return build("BertForSequenceClassification", config)


def roberta() -> TransformersTextView:
    """Two separators between the sentences, and no token types: RoBERTa tells them apart by nothing else."""
    config = transformers.RobertaConfig(**BERT | {"pad_token_id": 0, "type_vocab_size": 1, "num_labels": 2})
    made = tokenizer(**TYPED)
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    view = wrap_transformers(build("RobertaForSequenceClassification", config), tokenizer=made)
    assert isinstance(view, TransformersTextView)
    return view


def bert(longest: int = 20) -> TransformersTextView:
    """With token types, as BERT's own tokenizer makes them."""
    view = text_classifier(longest)
    view.tokenizer = tokenizer(**TYPED)
    return view


VIEWS: dict[str, Callable[[], TransformersTextView]] = {"bert": bert, "roberta": roberta}


@pytest.mark.parametrize("name", VIEWS)
def test_a_pair_is_read_as_the_model_reads_it(name: str) -> None:
    view = VIEWS[name]()
    explanation = explain_text(view, PAIR, [0, 1])
    encoded = view.tokenizer(*PAIR, return_tensors="pt")
    with torch.no_grad():
        if name == "roberta":
            encoded.pop("token_type_ids", None)
        own = view.module(**encoded).logits[0]
    assert torch.allclose(torch.tensor(explanation.logits).double(), own, atol=1e-5)
    inputs = {key: value for key, value in encoded.items() if key in view.tokenize([PAIR])}
    assert ("token_type_ids" in inputs) == (name == "bert")
    assert torch.equal(explanation.relevance, relevance(view, inputs, [0, 1])[0])


@pytest.mark.parametrize("name", VIEWS)
def test_words_of_both_sentences_have_the_relevance_of_their_own_tokens(name: str) -> None:
    view = VIEWS[name]()
    explanation = explain_text(view, PAIR, 1)
    assert explanation.pair == PAIR
    text, words, raw = explanation.text, explanation.words, explanation.relevance[0]
    assert [word.text for word in words] == [
        *("The", "acting", "was", "good", ","),
        *("not", "a", "bad", "film", "!"),
    ]
    pieces = [text[start:end] for start, end in explanation.offsets]
    between = [""] * (2 if name == "roberta" else 1)
    expected = ["", "The", "act", "ing", "was", "good", ",", *between, "not", "a", "bad", "film", "!", ""]
    assert pieces == expected
    separators = torch.tensor([piece == "" for piece in pieces])
    assert int(separators.sum()) == 2 + len(between)
    kept = raw[~separators]
    scores = explanation.word_relevance[0]
    assert torch.equal(scores[[0, 2, 3, 4, 5, 6, 7, 8, 9]], kept[[0, 3, 4, 5, 6, 7, 8, 9, 10]])
    assert scores[1] == kept[1:3].max()


def test_the_order_of_the_sentences_matters_and_token_types_do() -> None:
    view = bert()
    there, back = explain_text(view, PAIR, 1), explain_text(view, PAIR[::-1], 1)
    assert there.logits != back.logits
    inputs = view.tokenize([PAIR])
    assert inputs["token_type_ids"].unique().tolist() == [0, 1]
    untyped = inputs | {"token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    assert (view.output(untyped) - view.output(inputs)).abs().max() > 1e-3


def test_a_tuple_is_a_pair_and_a_list_a_batch() -> None:
    view = bert()
    batch = explain_text(view, [PAIR, ("a film", "was not good"), "the film"])
    assert [each.pair for each in batch] == [PAIR, ("a film", "was not good"), None]
    assert batch[2].text == "the film"
    for each, text in zip(batch, [PAIR, ("a film", "was not good"), "the film"], strict=True):
        alone = explain_text(view, text)
        assert (each.targets, each.logits) == (alone.targets, alone.logits)
        assert torch.equal(each.relevance, alone.relevance)
    assert len(explain_text(view, ["a good film", "bad one"], 0)) == 2
    together = view.tokenize([PAIR, ("a film", "was not good")])
    maps = relevance(view, together, [0, 1])
    assert torch.allclose(maps[1, :, :8], explain_text(view, ("a film", "was not good"), [0, 1]).relevance, atol=1e-12)


REFUSED = {
    "three": (("a", "b", "c"), "a tuple is one pair of sentences, not 3"),
    "one": (("a",), "a tuple is one pair of sentences, not 1"),
    "numbers": (("a", 1), "the second text of the pair is one string, not int"),
    "empty": (("a film", " "), "the second text of the pair is empty"),
    "empty batch": ([], "the batch holds no text"),
    "a list in a batch": ([["a", "b"]], "one string, not list"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_pair_is_refused(case: str) -> None:
    text, said = REFUSED[case]
    with pytest.raises(BadInput, match=said) as error:
        explain_text(bert(), text)  # type: ignore[call-overload]
    assert "\n" not in str(error.value)


def test_a_dual_encoder_reads_one_text() -> None:
    with pytest.raises(BadInput, match="reads one text; pairs are for classifiers"):
        explain_text(whylight.load("scenes"), ("a red star", "a blue ring"), torch.ones(64))


def test_of_a_pair_that_is_too_long_the_longer_sentence_is_cut() -> None:
    view = bert(12)
    long = longer_than(12)
    for pair, which in (((long, "good film"), 1), (("good film", long), 2)):
        with pytest.warns(WhylightWarning, match="did not read 17 words of the pair, of which the longer is cut"):
            explanation = explain_text(view, pair, 1)
        told = explanation.to_dict()
        unread = [word["sentence"] for word, value in zip(told["words"], told["targets"][0]["words"], strict=True)
                  if value is None]  # fmt: skip
        assert unread == [which] * 17
        with torch.no_grad():
            own = view.module(**view.tokenizer(*pair, truncation=True, max_length=12, return_tensors="pt")).logits[0]
        assert torch.allclose(torch.tensor(explanation.logits).double(), own[1:], atol=1e-5)


@pytest.mark.parametrize("longer", [0, 1])
def test_windows_over_the_longer_sentence_keep_the_other_whole(longer: int) -> None:
    view = bert(12)
    long = longer_than(12)
    pair = (long, "good film") if longer == 0 else ("good film", long)
    explanation = explain_text(view, pair, [0, 1], windows=True)
    assert explanation.unread == 0
    # Twelve tokens hold three special ones and the two short words: room for seven, overlapping by three.
    tokens = long.split()
    firsts = list(range(0, len(tokens) - 3, 4))
    total, count = torch.zeros(2, len(tokens), dtype=torch.float64), torch.zeros(len(tokens), dtype=torch.float64)
    beside, logits = [], []
    for first in firsts:
        window = " ".join(tokens[first : first + 7])
        inputs = view.tokenize([(window, "good film") if longer == 0 else ("good film", window)])
        maps = relevance(view, inputs, [0, 1])[0]
        size = len(window.split())
        own, other = (
            (slice(1, 1 + size), slice(2 + size, 4 + size)) if longer == 0 else (slice(4, 4 + size), slice(1, 3))
        )
        total[:, first : first + size] += maps[:, own]
        count[first : first + size] += 1
        beside.append(maps[:, other])
        logits.append(view.output(inputs)[0])
    expected = [total / count, torch.stack(beside).mean(0)]
    assert torch.allclose(explanation.word_relevance, torch.cat(expected[:: 1 if longer == 0 else -1], 1), atol=1e-12)
    assert torch.allclose(torch.tensor(explanation.logits).double(), torch.stack(logits).mean(0), atol=1e-5)


def test_windows_need_room() -> None:
    both = longer_than(12)
    with pytest.raises(BadInput, match="the shorter text of the pair leaves no room"):
        explain_text(bert(12), (both, both + " a"), windows=True)


def test_a_tokenizer_that_knows_no_places_is_refused() -> None:
    view = bert()
    view.tokenizer = lambda texts, **_: None
    with pytest.raises(BadInput, match="pairs need a fast tokenizer"):
        read_text(view, PAIR)


def test_pages_terminal_and_numbers_keep_the_sentences_apart(tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    explanation = explain_text(bert(), PAIR, 1)
    page = explanation.save(tmp_path / "pair.html").read_text(encoding="utf-8")
    assert page.count('<div class="text"') == 2
    first, second = page.split('<div class="text"')[1:]
    assert ">acting<" in first
    assert ">film<" not in first
    assert ">film<" in second
    console = Console(file=StringIO(), width=80)
    console.print(explanation)
    assert console.file.getvalue().splitlines()[1:3] == [f"1 {PAIR[0]}", f"2 {PAIR[1]}"]  # type: ignore[attr-defined]
    told = json.loads(explanation.save(tmp_path / "pair.json").read_text(encoding="utf-8"))
    assert told["pair"] == list(PAIR)
    assert [word["sentence"] for word in told["words"]] == [1] * 5 + [2] * 5
    assert all(told["text"][word["start"] : word["end"]] == word["text"] for word in told["words"])
    single = explain_text(bert(), PAIR[0], 1).to_dict()
    assert single["pair"] is None
    assert "sentence" not in single["words"][0]


NOTED = {
    "none": ({}, "sigmoid"),
    "from 4 on, sigmoid": ({"activation_fn": "torch.nn.modules.activation.Sigmoid"}, "sigmoid"),
    "from 4 on, raw": ({"activation_fn": "torch.nn.modules.linear.Identity"}, "raw"),
}


@pytest.mark.parametrize("case", NOTED)
def test_a_cross_encoders_folder_says_what_its_logit_means(case: str, tmp_path: Path) -> None:
    noted, scores = NOTED[case]
    cross_encoder().float().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sentence_transformers": noted}))
    view = load_transformers(f"local-dir:{tmp_path}")
    assert view.scores == scores
    explanation = explain_text(view, PAIR)
    with torch.no_grad():
        logit = view.module(**tokenizer()(*PAIR, return_tensors="pt")).logits[0, 0]  # type: ignore[operator]
    expected = logit.sigmoid() if scores == "sigmoid" else logit
    assert explanation.scores == pytest.approx((float(expected),), abs=1e-6)
    assert explanation.score_name == ("value" if scores == "raw" else "probability")


def test_older_cross_encoders_note_it_elsewhere() -> None:
    name = "torch.nn.modules.linear.Identity"
    view = wrap_transformers(cross_encoder(sbert_ce_default_activation_function=name))
    assert view is not None
    assert view.scores == "raw"
    view.scores = "sigmoid"
    assert view.scores == "sigmoid"


def test_every_method_of_texts_takes_a_pair() -> None:
    view = bert()
    for name in ("raw_attention", "rollout", "chefercam", "gradcam", "input_gradient", "lrp"):
        explanation = explain_text(view, PAIR, 1, name)
        assert isinstance(explanation, TextExplanation)
        assert explanation.word_relevance.isfinite().all()
        assert explanation.word_relevance.std() > 0


def test_the_vocabulary_has_the_words_of_the_pair() -> None:
    assert {"film", "good", "bad", "not", "act"} <= set(VOCABULARY), "unknown words would all be alike"
