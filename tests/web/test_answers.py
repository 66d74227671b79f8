"""Questions over the API: words as they come, their maps, and what ends an answer early."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from small_views import dual_encoder
from zoo.answering_models import QUESTION, answering_model

import whylight
from web.at_once import at_once
from web.conftest import Serving
from whylight.answers import explaining, forcing
from whylight.scenes import EXAMPLE_SEEDS, draw_scene
from whylight.web import Limits, app

SEED = EXAMPLE_SEEDS[0]
SCENE = draw_scene(SEED, 384).picture
ASK = {"scene": SEED, "question": "What colour is the ring?"}


def tiny(family: str = "llava") -> tuple[Any, str]:
    model, processor, prompt = answering_model(family, torch.float32)
    return whylight.wrap(model, processor=processor, name=f"tiny {family}"), prompt.format(QUESTION)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    served = {"scenes-answers": whylight.load("scenes-answers"), "clip": dual_encoder(), "tiles": tiny("smolvlm")[0]}
    serving = Serving(app(served))
    with httpx.Client(base_url=serving.address, timeout=60) as client:
        yield client
    serving.stop()


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def words_of(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [word for line in told for word in line.get("words", [])]


def test_words_come_first_and_then_their_maps_which_are_those_of_ask(client: httpx.Client) -> None:
    question = "Describe the picture."
    told = lines(client.post("/api/ask", json=ASK | {"question": question}))
    expected = whylight.ask("scenes-answers", SCENE, question)
    kinds = [next(iter(line)) for line in told]
    said = [line["said"] for line in told if "said" in line]
    assert kinds == ["said"] * len(said) + ["answer"] + ["words"] * kinds.count("words") + ["done"]
    assert len(said) > 3
    assert said[-1] == expected.text
    facts = told[len(said)]["answer"]
    assert facts["answer"] == expected.text
    assert facts["picture_size"] == [384, 384]
    strange = client.post("/api/ask", json=ASK | {"question": "Is there a zebra?", "answer": "no"})
    assert lines(strange)[0] == {"unknown": ["zebra"]}
    words = words_of(told)
    assert [word["word"] for word in words] == list(expected.words)
    for index, word in enumerate(words):
        assert facts["answer"][word["start"] : word["end"]] == word["word"]
        assert word["probability"] == pytest.approx(float(expected.probabilities[index]), rel=1e-3)
        assert word["picture_share"] == pytest.approx(float(expected.picture_share[index]), rel=1e-3)
        grid = expected.grids[0][0]
        assert word["grid"] == [grid.rows, grid.columns]
        own = expected.relevance[index, grid.positions()].numpy()
        np.testing.assert_allclose(word["relevance"], own, rtol=1e-3, atol=1e-6 * own.max())
        assert word["seen_left_top_right_bottom"] == [0, 0, 384, 384]


def test_one_word_rather_than_another(client: httpx.Client) -> None:
    asked = ASK | {"answer": "red", "words": [0], "rather_than": "blue"}
    told = lines(client.post("/api/ask", json=asked))
    assert [next(iter(line)) for line in told] == ["answer", "words", "done"], "a given answer is not said"
    (word,) = words_of(told)
    expected = whylight.ask("scenes-answers", SCENE, ASK["question"], answer="red", rather_than="blue")
    own = expected.relevance[0, expected.grids[0][0].positions()].numpy()
    np.testing.assert_allclose(word["relevance"], own, rtol=1e-3, atol=1e-6 * own.max())


def test_a_picture_on_tiles_and_a_question_without_any(client: httpx.Client) -> None:
    question = tiny("smolvlm")[1]
    asked = {"model": "tiles", "scene": SEED, "question": question, "answer": "red big"}
    words = words_of(lines(client.post("/api/ask", json=asked)))
    assert words[0]["grid"] == [128, 128]
    view = tiny("smolvlm")[0]
    expected = whylight.ask(view, SCENE, question, answer="red big").density(0, 128)
    np.testing.assert_allclose(words[1]["relevance"], expected[1].numpy(), rtol=1e-3, atol=1e-6)


def test_files(client: httpx.Client) -> None:
    beginnings = {"png": b"\x89PNG", "json": b"{", "html": b"<!doctype html>"}
    for form, beginning in beginnings.items():
        answer = client.post(f"/api/ask/save/{form}", json=ASK)
        assert answer.content.startswith(beginning)
        assert f"whylight.{form}" in answer.headers["content-disposition"]
    assert client.post("/api/ask/save/json", json=ASK).json()["answer"] == "red"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"model": "clip"}, 422, "does not answer in words"),
        ({"model": "nothing"}, 404, "not on offer"),
        ({"method": "legrat"}, 404, "unknown method 'legrat'"),
        ({"options": {"nothing": 1}}, 404, "has no option"),
        ({"options": {"view": 1}}, 404, "has no option"),
        ({"question": " "}, 422, ""),
        ({"answer": "mauve"}, 422, "no words for the answer"),
        ({"answer": "red", "words": ["blue"]}, 422, "is no part of it"),
        ({"answer": "red", "words": [7]}, 422, "has no word 7"),
        ({"answer": "red", "rather_than": "red"}, 422, "same tokens"),
        ({"picture": "0" * 32}, 422, "or a scene's seed"),
        ({"scene": None, "picture": "0" * 32}, 410, "send it again"),
        ({"question": "a" * 3000}, 422, "question"),
        ({"size": 64}, 422, "size"),
    ],
)
def test_what_is_refused_is_one_line_before_any_word(
    client: httpx.Client, changes: dict[str, Any], status: int, said: str
) -> None:
    for route in ("ask", "ask/save/json"):
        answer = client.post(f"/api/{route}", json=ASK | changes)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["error"]
        assert "\n" not in answer.json()["error"]


def test_other_routes_say_what_to_do_with_a_model_that_answers(client: httpx.Client) -> None:
    answer = client.post("/api/explain", json={"scene": SEED, "targets": ["a ring"]})
    assert answer.status_code == 422
    assert "POST /api/ask" in answer.json()["error"]
    answer = client.post("/api/text", json={"text": "what color is the ring"})
    assert answer.status_code == 422
    assert "no text classifier" in answer.json()["error"]
    for name in ("scenes-answers", "clip", "tiles"):
        assert client.post("/api/models", json={"name": name}).json()["state"] == "ready"
    facts = client.get("/api/models").json()["models"]
    assert [(each["asks"], each["reads"]) for each in facts] == [
        ("questions", "pictures"),
        ("prompts", "pictures"),
        ("questions", "pictures"),
    ]
    assert client.get("/api/classes").json() == {"classes": []}


class Slow:
    """Counts the tokens that a model says, each of which takes its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.tokens = 0
        own = forcing.text_so_far

        def counted(*given: Any) -> str:
            self.tokens += 1
            time.sleep(seconds)
            return own(*given)

        monkeypatch.setattr(forcing, "text_so_far", counted)


def endless(limits: Limits | None = None) -> tuple[Serving, dict[str, Any]]:
    """A server of a model that goes on for as long as it may."""
    view, question = tiny("qwen2_5_vl")
    view.module.generation_config.eos_token_id = 127
    serving = Serving(app({"endless": view}, limits=limits))
    return serving, {"scene": SEED, "question": question, "longest": 200}


def test_who_goes_away_ends_the_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, 0.03)
    serving, asked = endless()
    with httpx.Client(base_url=serving.address, timeout=60) as client:
        with client.stream("POST", "/api/ask", json=asked) as answer:
            heard = answer.iter_lines()
            assert "said" in json.loads(next(heard))
            assert "said" in json.loads(next(heard)), "words come one by one"
        begin = time.monotonic()
        again = client.post("/api/ask", json=asked | {"answer": "red"})
        assert "done" in lines(again)[-1]
        assert time.monotonic() - begin < 0.03 * 200, "the next question did not wait for the end of the first"
    assert slow.tokens < 100
    serving.stop()


def test_an_answer_that_takes_too_long_is_ended_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(monkeypatch, 0.05)
    serving, asked = endless(Limits(seconds=1.0))
    with httpx.Client(base_url=serving.address, timeout=60) as client:
        told = lines(client.post("/api/ask", json=asked))
        assert told[-1]["code"] == "too_slow"
        assert "said" in told[0]
        time.sleep(0.2)
        before = slow.tokens
        time.sleep(0.3)
        assert slow.tokens == before < 100, "the model is not kept busy by what nobody hears"
    serving.stop()


def test_a_model_that_fails_after_its_first_words(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("out of memory\nmore")

    monkeypatch.setattr(explaining, "picture_likeness", broken)
    told = lines(client.post("/api/ask", json=ASK))
    assert told[-1] == {
        "error": "the model failed: RuntimeError: out of memory",
        "code": "model_failed",
        "status": 500,
    }
    assert "said" in told[0]
    monkeypatch.undo()
    assert "done" in lines(client.post("/api/ask", json=ASK))[-1]


def test_answers_of_several_clients_are_not_mixed_up(client: httpx.Client) -> None:
    questions = ["What colour is the ring?", "What texture has the ring?", "How many objects are there?"]
    expected = {question: whylight.ask("scenes-answers", SCENE, question).text for question in questions}
    wrong: list[str] = []

    def ask(question: str) -> None:
        for _ in range(3):
            told = lines(client.post("/api/ask", json=ASK | {"question": question}))
            said = [line.get("said") or line["answer"]["answer"] for line in told if "said" in line or "answer" in line]
            if said[-2:] != [expected[question]] * 2:
                wrong.append(question)

    at_once(ask, questions)
    assert not wrong


def test_a_live_model_without_its_processor_says_so_when_it_is_loaded() -> None:
    serving = Serving(app({"bare": whylight.wrap(tiny()[0].module), "clip": dual_encoder()}))
    with httpx.Client(base_url=serving.address, timeout=60) as client:
        answer = client.post("/api/ask", json=ASK | {"model": "bare"})
        assert answer.status_code == 422
        assert "processor=processor" in answer.json()["error"]
        states = client.get("/api/models").json()["models"]
        assert states[0]["state"] == "failed"
        assert client.post("/api/explain", json={"model": "clip", "scene": SEED, "targets": ["a ring"]}).is_success
    serving.stop()
