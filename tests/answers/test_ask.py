"""Asking tiny random models: what an answer holds, and what is refused in one line."""

from __future__ import annotations

import json
import re
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
    assert not torch.allclose(answer.raw_maps[0], plain.raw_maps[0])
    assert not torch.allclose(answer.raw_maps[0], other.raw_maps[0])


def test_two_pictures_in_one_question() -> None:
    for family in ("llava", "qwen2_vl", "smolvlm", "internvl", "gemma3", "llava_next"):
        view, question = asked(family)
        mark = re.search(r"<\|vision_start\|>.*<\|vision_end\|>|<[A-Za-z_]+>", question)
        assert mark is not None
        twice = question.replace(mark[0], f"{mark[0]} {mark[0]}", 1)
        answer = whylight.ask(view, [PICTURE, rough_picture(60, 60, 1)], twice, answer="red")
        assert [tuple(answer.maps_of(i).shape) for i in (0, 1)] == [(1, 80, 120), (1, 60, 60)]


@pytest.mark.parametrize("ending", [".html", ".png", ".json", ".safetensors"])
def test_saved(tmp_path: Path, ending: str) -> None:
    view, question = asked()
    answer = whylight.ask(view, PICTURE, question, answer="the red circle")
    path = answer.save(tmp_path / f"why{ending}")
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


def test_what_is_wrong_is_one_line() -> None:
    view, question = asked()
    cases = {
        "cannot use this prompt": ({}, "what colour ?"),
        "empty": ({"answer": " "}, question),
        "no words for the answer": ({"answer": "mauve"}, question),
        "is no part of it": ({"answer": "red", "words": ["blue"]}, question),
        "unknown method 'legrat'": ({"answer": "red", "method": "legrat"}, question),
        "has no option": ({"answer": "red", "color": 1}, question),
        "same tokens": ({"answer": "red", "rather_than": "red"}, question),
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
