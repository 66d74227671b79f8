"""From a text to its words: the same numbers as ``relevance`` on the same tokens, put where the words stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torch import Tensor
from zoo.text_classifier import longer_than, text_classifier, tokenizer
from zoo.transformers_models import PICTURES, build, clip_config, in_its_type, perturbed, siglip_config

from whylight.errors import BadInput, UnknownName
from whylight.methods import relevance
from whylight.models.openclip.view import OpenClipView
from whylight.models.transformers import wrap_transformers
from whylight.text import explain_text, split_words

TEXT = "The acting was good, not bad!"
PIECES = ["The", "act", "ing", "was", "good", ",", "not", "bad", "!"]


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))


def openclip() -> OpenClipView:
    vision = {"image_size": 32, "layers": 1, "width": 24, "head_width": 8, "patch_size": 8}
    text = {"context_length": 12, "vocab_size": 49408, "width": 24, "heads": 3, "layers": 2}
    torch.manual_seed(0)
    return OpenClipView(perturbed(open_clip.CLIP(16, vision, text)))


def test_token_relevance_is_the_methods_own() -> None:
    view = text_classifier()
    explanation = explain_text(view, TEXT, [0, 1], start_layer=-1)
    inputs = view.tokenize([TEXT])
    assert torch.equal(explanation.relevance, relevance(view, inputs, [0, 1], start_layer=-1)[0])
    logits = view.output(inputs)[0]
    assert torch.allclose(torch.tensor(explanation.logits).double(), logits, atol=1e-5)
    assert torch.allclose(torch.tensor(explanation.scores).double(), logits.softmax(0), atol=1e-5)
    assert (explanation.targets, explanation.score_name) == (("bad", "good"), "probability")
    assert [TEXT[start:end] for start, end in explanation.offsets] == ["", *PIECES, ""]


def test_words_take_their_strongest_piece() -> None:
    explanation = explain_text(text_classifier(), TEXT, "good")
    assert [word.text for word in explanation.words] == ["The", "acting", "was", "good", ",", "not", "bad", "!"]
    raw, words = explanation.relevance[0], explanation.word_relevance[0]
    assert words[1] == raw[2:4].max()
    assert torch.equal(words[2:], raw[4:-1])
    mean = explain_text(text_classifier(), TEXT, "good", pieces="mean").word_relevance[0]
    assert mean[1] == raw[2:4].mean()
    best, value = explanation.top(count=1)[0]
    assert value == words.max()
    assert best == explanation.words[int(words.argmax())]


def test_the_default_is_the_predicted_class() -> None:
    view = text_classifier()
    predicted = int(view.output(view.tokenize([TEXT])).argmax())
    assert explain_text(view, TEXT).targets == (["bad", "good"][predicted],)


def test_a_long_text_is_cut_and_says_so() -> None:
    view = text_classifier(12)
    text = longer_than(12)
    with pytest.warns(UserWarning, match="did not read the last 14 words"):
        explanation = explain_text(view, text, 1)
    assert explanation.unread == 14
    assert explanation.note is not None
    assert explanation.word_relevance.isnan().sum() == 14
    assert not explanation.word_relevance[:, :10].isnan().any()


def test_windows_read_all_and_average_where_they_overlap() -> None:
    view = text_classifier(12)
    text = longer_than(12)
    words = split_words(text)
    explanation = explain_text(view, text, [0, 1], windows=True)
    assert explanation.unread == 0
    assert [text[start:end] for start, end in explanation.offsets[:-1]] == [word.text for word in words]
    # Room for 10 words beside the special tokens, overlapping by 5.
    windows = [words[first : first + 10] for first in (0, 5, 10, 15)]
    expected, count, scores = torch.zeros(2, 24, dtype=torch.float64), torch.zeros(24, dtype=torch.float64), []
    for first, window in zip((0, 5, 10, 15), windows, strict=True):
        inputs = view.tokenize([" ".join(word.text for word in window)])
        expected[:, first : first + len(window)] += relevance(view, inputs, [0, 1])[0][:, 1:-1]
        count[first : first + len(window)] += 1
        scores.append(view.output(inputs)[0])
    assert torch.allclose(explanation.word_relevance, expected / count, atol=1e-12)
    assert torch.allclose(torch.tensor(explanation.logits).double(), torch.stack(scores).mean(0), atol=1e-5)


def test_windows_change_nothing_for_a_short_text() -> None:
    view = text_classifier()
    assert torch.equal(explain_text(view, TEXT, 0, windows=True).relevance, explain_text(view, TEXT, 0).relevance)


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_which_words_matched_a_picture(name: str, tmp_path: Path) -> None:
    config, kind = (clip_config(), "CLIPModel") if name == "clip" else (siglip_config(), "SiglipModel")
    view = wrap_transformers(build(kind, config), tokenizer=tokenizer())
    assert view is not None
    assert view.preprocessing is not None
    picture().save(tmp_path / "cat.png")
    pixels = view.preprocessing(picture())[0][None].double()
    embedding = view.output(pixels)
    by_picture = explain_text(view, "the film", picture())
    by_file = explain_text(view, "the film", tmp_path / "cat.png")
    by_embedding = explain_text(view, "the film", embedding)
    assert (by_picture.targets, by_file.targets) == (("picture",), ("cat.png",))
    assert torch.allclose(by_picture.relevance, by_embedding.relevance)
    assert torch.allclose(by_file.relevance, by_embedding.relevance)
    with torch.no_grad(), in_its_type():
        ids = view.text.tokenize(["the film"])  # type: ignore[attr-defined]
        own = view.module(input_ids=ids["input_ids"], pixel_values=pixels).logits_per_image
    assert torch.allclose(torch.tensor(by_picture.logits).double(), own[0], atol=1e-5)


def test_clips_own_tokenizer_is_aligned_word_by_word() -> None:
    view = openclip()
    text = "Two  unbelievably red birds"
    explanation = explain_text(view, text, torch.randn(16, dtype=torch.float64))
    ids = view.text.tokenize([text])["input_ids"][0].tolist()  # type: ignore[attr-defined]
    spans = [text[start:end] for start, end in explanation.offsets]
    simple = open_clip.SimpleTokenizer()
    for word in text.split():
        own = [number for number, span in zip(ids, spans, strict=True) if span == word]
        assert own == simple.encode(word)
    assert spans.count("") == 12 - len(simple.encode(text))


def test_a_prompt_beyond_the_context_is_cut_and_says_so() -> None:
    view = openclip()
    words = ["red"] * 15
    with pytest.warns(UserWarning, match="last 5 words"):
        explanation = explain_text(view, " ".join(words), torch.randn(16, dtype=torch.float64))
    assert explanation.word_relevance.isnan().tolist() == [[False] * 10 + [True] * 5]
    assert explanation.offsets[-1] == (0, 0)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    classifier, dual = text_classifier(), openclip()
    with pytest.raises(UnknownName, match=r"no class 'goood'. Did you mean 'good'\?"):
        explain_text(classifier, TEXT, "goood")
    with pytest.raises(BadInput, match="no target 3: there are 1"):
        explain_text(classifier, TEXT, 0).top(3)
    with pytest.raises(BadInput, match="no class 2: its classes are 0 to 1"):
        explain_text(classifier, TEXT, 2)
    with pytest.raises(BadInput, match="class indices"):
        explain_text(classifier, TEXT, torch.ones(3))
    with pytest.raises(BadInput, match="empty"):
        explain_text(classifier, "  ")
    with pytest.raises(BadInput, match="picture"):
        explain_text(dual, "red bird")
    with pytest.raises(BadInput, match="no such file"):
        explain_text(dual, "red bird", tmp_path / "none.png")
    with pytest.raises(BadInput, match="windows need a fast tokenizer"):
        explain_text(dual, "red bird", torch.ones(16), windows=True)
    with pytest.raises(BadInput, match="no picture tower"):
        explain_text(dual.text, "red bird", picture())
    with pytest.raises(UnknownName, match="no option"):
        explain_text(classifier, TEXT, 0, color="red")
    bare = wrap_transformers(PICTURES["clip"]()[0])
    assert bare is not None
    with pytest.raises(BadInput, match="tokenizer"):
        explain_text(bare, "red bird", torch.ones(16))
    vit = wrap_transformers(PICTURES["vit"]()[0])
    assert vit is not None
    with pytest.raises(BadInput, match="no text tower"):
        explain_text(vit, "red bird", torch.ones(24))


def test_a_batch_of_embeddings_is_a_list_of_targets() -> None:
    view = openclip()
    embeddings: Tensor = torch.randn(3, 16, dtype=torch.float64)
    together = explain_text(view, "red bird", embeddings)
    assert together.relevance.shape == (3, 12)
    assert torch.allclose(explain_text(view, "red bird", embeddings[1]).relevance, together.relevance[1:2])
