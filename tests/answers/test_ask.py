"""Asking tiny random models: what an answer holds, and what is refused in one line."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import transformers
from PIL import Image
from zoo.answering_models import MADE, QUESTION, TEXT, answering_model, ready, rough_picture, tokenizer

import whylight
from whylight.answers.content import content_words
from whylight.models.transformers.answering.view import AnsweringView

PICTURE = rough_picture(80, 120)


def asked(family: str = "llava") -> tuple[AnsweringView, str]:
    model, processor, prompt = answering_model(family, torch.float32)
    view = whylight.wrap(model, processor=processor)
    assert isinstance(view, AnsweringView)
    return view, prompt.format(QUESTION)


@pytest.mark.parametrize("family", MADE)
def test_an_answer_of_every_family(family: str) -> None:
    view, question = asked(family)
    answer = whylight.ask(view, PICTURE, question, answer="red big circle")
    assert answer.words == ("red", "big", "circle")
    assert answer.text == "red big circle"
    assert not answer.free
    assert answer.maps.shape == (3, 80, 120)
    assert float(answer.maps.min()) == 0
    assert float(answer.maps.amax((1, 2)).min()) == 1
    assert ((answer.picture_share >= 0) & (answer.picture_share <= 1)).all()
    assert answer.context[-3:] == answer.words
    assert answer.text_relevance.shape == (3, len(answer.context))
    # the first word has read neither itself nor what comes behind it, the last one has read the two before it
    assert answer.text_relevance.isnan().sum(1).tolist() == [3, 2, 1]


def test_probabilities_are_the_models_own() -> None:
    view, question = asked()
    answer = whylight.ask(view, PICTURE, question, answer="red big circle", words=["red", "big circle"])
    inputs = view.place(view.inputs(question, [PICTURE]))
    ids = torch.tensor([view.tokenizer("red big circle", add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        logits = view.module(**view.with_answer(inputs, ids), use_cache=False).logits[0]
    p = logits.softmax(-1)[-4:-1].gather(1, ids[0][:, None])[:, 0]
    assert answer.words == ("red", "big circle")
    assert torch.allclose(answer.probabilities, torch.stack([p[0], p[1] * p[2]]), rtol=1e-4)


def test_a_free_answer_is_what_generation_says() -> None:
    view, question = asked("qwen2_5_vl")
    before = view.module.model.rope_deltas
    answer = whylight.ask(view, PICTURE, question, longest=3)
    assert answer.free
    assert answer.cut
    inputs = view.place(view.inputs(question, [PICTURE]))
    made = view.module.generate(**inputs, max_new_tokens=3, do_sample=False, suppress_tokens=[8])
    assert answer.text == view.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert before is None


def test_text_alone() -> None:
    torch.manual_seed(0)
    for kind in ("Llama", "Qwen2", "Qwen3", "Mistral"):
        config = getattr(transformers, f"{kind}Config")(**TEXT)
        model, words, _ = ready(getattr(transformers, f"{kind}ForCausalLM")(config), tokenizer(), "", torch.float64)
        view = whylight.wrap(model, processor=words)
        inputs = view.inputs(QUESTION, [])
        with torch.no_grad():
            own = model(**inputs, use_cache=False).logits[:, -1]
            assert (view.output(inputs) - own).abs().max() < 1e-10
        answer = whylight.ask(view, None, QUESTION, answer="red")
        assert answer.text_relevance.shape == (1, len(answer.context))
        assert answer.context[:-1] == tuple(QUESTION.split())
        with pytest.raises(whylight.WhylightError, match="without a picture"):
            _ = answer.maps
        with pytest.raises(whylight.WhylightError, match="takes no pictures"):
            whylight.ask(view, PICTURE, QUESTION)


def test_rather_than() -> None:
    view, question = asked()
    answer = whylight.ask(view, PICTURE, question, answer="red", rather_than="blue", method="input_gradient")
    assert answer.words == ("red",)
    plain = whylight.ask(view, PICTURE, question, answer="red", method="input_gradient")
    other = whylight.ask(view, PICTURE, question, answer="red", rather_than="green", method="input_gradient")
    assert not torch.allclose(answer.density(), plain.density())
    assert not torch.allclose(answer.density(), other.density())


def test_two_pictures_in_one_question() -> None:
    for family in ("llava", "qwen2_vl", "smolvlm", "internvl", "gemma3", "llava_next"):
        view, question = asked(family)
        mark = re.search(r"<\|vision_start\|>.*<\|vision_end\|>|<[A-Za-z_]+>", question)
        assert mark is not None
        twice = question.replace(mark[0], f"{mark[0]} {mark[0]}", 1)
        answer = whylight.ask(view, [PICTURE, rough_picture(60, 60, 1)], twice, answer="red")
        assert [tuple(answer.maps_of(i).shape) for i in (0, 1)] == [(1, 80, 120), (1, 60, 60)]


@pytest.mark.parametrize("ending", [".html", ".png", ".json", ".safetensors"])
def test_saved(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    view, question = asked()
    answer = whylight.ask(view, PICTURE, question, answer="the red circle")
    path = answer.save(f"~/new/why{ending}")
    assert path == tmp_path / "new" / f"why{ending}"
    if ending == ".png":
        with Image.open(path) as opened:
            assert opened.width > 500
    elif ending == ".json":
        assert [word["word"] for word in json.loads(path.read_text())["words"]] == ["the", "red", "circle"]
    elif ending == ".html":
        page = path.read_text()
        assert page.count("<button") == 3
        assert not re.search(r"(src|href)=\"https?:", page)
    assert content_words(answer.words) == [1, 2]
    with pytest.raises(whylight.WhylightError, match="saved as"):
        answer.save(tmp_path / "why.gif")
    with pytest.raises(whylight.WhylightError, match=r"\.gif: answers are saved as"):
        answer.to_bytes("gif")


def test_what_is_wrong_is_one_line() -> None:
    view, question = asked()
    cases = {
        "cannot use this prompt|no place for a picture": ({}, "what colour ?"),
        "empty": ({"answer": " "}, question),
        "no words for the answer": ({"answer": "mauve"}, question),
        "is no part of it": ({"answer": "red", "words": ["blue"]}, question),
        "unknown method 'legrat'": ({"answer": "red", "method": "legrat"}, question),
        "has no option": ({"answer": "red", "color": 1}, question),
        "same tokens": ({"answer": "red", "rather_than": "red"}, question),
        "answer=.* must be a string or a list, each of it a whole number": ({"answer": ["red"]}, question),
        "rather_than=.* must be a string": ({"answer": "red", "rather_than": ["blue"]}, question),
        "words='red' must be a list": ({"answer": "red", "words": "red"}, question),
        "longest=.* must be a whole number": ({"longest": 2.5}, question),
    }
    for said, (options, text) in cases.items():
        with pytest.raises(whylight.WhylightError, match=said) as caught:
            whylight.ask(view, PICTURE, text, **options)
        assert "\n" not in str(caught.value)
    view.module.config.text_config.max_position_embeddings = 20
    with pytest.raises(whylight.WhylightError, match="takes 20 tokens"):
        whylight.ask(view, PICTURE, question, answer="red")
    with pytest.raises(whylight.WhylightError, match="does not answer in words"):
        whylight.ask("scenes", PICTURE, "what colour is the ring?")
    with pytest.raises(whylight.WhylightError, match="processor=processor"):
        whylight.ask(whylight.wrap(view.module), PICTURE, question)


def test_what_comes_bit_by_bit_is_what_comes_at_once() -> None:
    view, question = asked("qwen2_5_vl")
    given = "the red big circle is a green square"
    for how in ({"answer": given}, {"longest": 7}):
        whole = whylight.ask(view, PICTURE, question, **how)  # type: ignore[arg-type]
        heard: list[str | whylight.Answer] = []
        joined = whylight.ask(view, PICTURE, question, heard=heard.append, **how)  # type: ignore[arg-type]
        parts = [each for each in heard if not isinstance(each, str)]
        texts = [each for each in heard if isinstance(each, str)]
        assert heard == [*texts, *parts]
        assert sum((part.words for part in parts), ()) == joined.words == whole.words
        assert sum((part.spans for part in parts), ()) == joined.spans == whole.spans
        for part in ("relevance", "text_relevance", "picture_share", "probabilities", "from_picture"):
            together = torch.cat([getattr(each, part) for each in parts])
            torch.testing.assert_close(together, getattr(whole, part), rtol=1e-4, atol=1e-7, equal_nan=True)
            torch.testing.assert_close(together, getattr(joined, part), rtol=0, atol=0, equal_nan=True)
        if "answer" in how:
            assert [len(part.words) for part in parts] == [1, 2, 4, 1]
            assert not texts, "a given answer is not said"
        else:
            assert len(texts) == 7
            assert texts[-1] == whole.text
            assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


def test_what_the_listener_raises_ends_the_generation() -> None:
    view, question = asked("qwen2_5_vl")
    heard: list[object] = []

    class Enough(Exception):
        pass

    def listen(told: object) -> None:
        heard.append(told)
        if len(heard) == 2:
            raise Enough

    with pytest.raises(Enough):
        whylight.ask(view, PICTURE, question, longest=50, heard=listen)
    assert len(heard) == 2
    assert view.module.model.rope_deltas is None


def test_words_by_number_and_whole_words_only() -> None:
    view, question = asked()
    said = "red big red circle"
    answer = whylight.ask(view, PICTURE, question, answer=said, words=[2, "red", "big red"])
    every = whylight.ask(view, PICTURE, question, answer=said)
    assert answer.words == ("red", "red", "big red")
    assert answer.spans == ((8, 11), (0, 3), (4, 11))
    torch.testing.assert_close(answer.relevance[:2], every.relevance[[2, 0]], rtol=1e-4, atol=1e-7)
    for wrong, line in (([4], "has no word 4"), ([-1], "has no word -1"), (["ed"], "is no part of it")):
        with pytest.raises(whylight.WhylightError, match=line):
            whylight.ask(view, PICTURE, question, answer=said, words=wrong)


def test_a_large_picture_is_drawn_small_and_mapped_whole(tmp_path: Path) -> None:
    view, question = asked()
    answer = whylight.ask(view, rough_picture(1500, 900), question, answer="red")
    assert answer.maps.shape == (1, 1500, 900)
    assert answer.maps_of(0, 300).shape == (1, 300, 180)
    drawn = answer.shown()
    assert drawn.pictures[0].size == (384, 640)
    assert drawn.words[0].maps[0].shape == (640, 384)
    with Image.open(answer.save(tmp_path / "why.png")) as opened:
        assert opened.width > 500


@pytest.mark.parametrize("family", MADE)
def test_bfloat16(family: str) -> None:
    """The logits are the model's own, and maps are finite."""
    model, processor, prompt = answering_model(family, torch.bfloat16)
    view = whylight.wrap(model, processor=processor)
    question = prompt.format(QUESTION)
    inputs = view.place(view.inputs(question, [PICTURE]))
    with torch.no_grad():
        own = model(**inputs, use_cache=False).logits[:, -1]
        assert (view.output(inputs) - own).abs().max() <= 0.02 * own.abs().max()
    for method in ("keyflow", "legrad"):
        answer = whylight.ask(view, PICTURE, question, answer="red circle", method=method)
        assert answer.maps.isfinite().all()
        assert float(answer.maps.amax((1, 2)).min()) == 1
