"""Maps and scores over the API: those of the library, whoever else asks."""

from __future__ import annotations

import httpx
import numpy as np
import pytest
from small_views import classifier, dual_encoder, regression
from zoo.text_classifier import text_classifier

import whylight
from web.asking import ASK, SCENE, SEED, refused
from web.at_once import at_once


def test_maps_are_those_of_explain(client: httpx.Client) -> None:
    view = dual_encoder()
    expected = whylight.explain(view, SCENE, ASK["targets"])
    plain = client.post("/api/explain", json=ASK).json()
    layered = client.post("/api/explain", json=ASK | {"layers": True}).json()
    packed = client.post("/api/explain", json=ASK | {"numbers": "base64"}).json()
    for index, target in enumerate(plain["targets"]):
        relevance = expected.relevance[index].numpy()
        np.testing.assert_allclose(target["relevance"], relevance, rtol=1e-4)
        np.testing.assert_allclose(np.sum(layered["targets"][index]["layers"], 0), relevance, rtol=1e-4)
        decoded = np.frombuffer(__import__("base64").b64decode(packed["targets"][index]["relevance"]), "<f4")
        np.testing.assert_array_equal(decoded, np.float32(target["relevance"]).ravel())
        assert target["score"] == pytest.approx(expected.scores[index], abs=1e-5)
    assert plain["grid"] == [4, 4]
    assert plain["scores"] == "cosine"


def test_scores_are_called_what_they_are(client: httpx.Client) -> None:
    picture = whylight.explain(classifier(), SCENE, "lamp")
    raw = whylight.explain(regression(), SCENE, "lamp")
    assert raw.scores[0] != pytest.approx(picture.scores[0], abs=1e-3)
    for model, scores, expected in (("classes", "softmax", picture), ("values", "raw", raw)):
        told = client.post("/api/explain", json={"model": model, "scene": SEED, "targets": ["lamp"]}).json()
        assert told["scores"] == scores
        assert told["targets"][0]["score"] == pytest.approx(expected.scores[0], abs=1e-5)
        top = client.post("/api/predict", json={"model": model, "scene": SEED}).json()
        assert top["scores"] == scores
        assert {each["name"]: each["score"] for each in top["top"]}["lamp"] == pytest.approx(
            expected.scores[0], abs=1e-5
        )
        swept = client.post(
            "/api/erase", json={"model": model, "scene": SEED, "target": "lamp", "grid": [[1]], "share": 0}
        )
        assert swept.json()["scores"] == scores
    for name, scores in (("words", "softmax"), ("text values", "raw")):
        view = text_classifier()
        view.scores = scores  # type: ignore[assignment]
        told = client.post("/api/text", json={"model": name, "text": "a good film", "targets": ["good"]}).json()
        assert told["scores"] == scores
        expected_text = whylight.explain_text(view, "a good film", "good")
        assert told["targets"][0]["score"] == pytest.approx(expected_text.scores[0], abs=1e-5)
        assert not {"probability", "value"} & told["targets"][0].keys()
    told = client.post("/api/words", json={"scene": SEED, "prompt": "a red ring"}).json()
    assert told["scores"] == "cosine"
    assert "score" in told["targets"][0]


def test_what_is_no_class_is_told_apart_from_other_faults(client: httpx.Client) -> None:
    answer = client.post("/api/explain", json={"model": "classes", "scene": SEED, "targets": ["lam"]})
    refused(answer, 404, "Did you mean 'lamp'")
    assert answer.json()["code"] == "unknown_class"
    answer = client.post("/api/explain", json={"model": "classes", "scene": SEED, "targets": ["lamp"], "method": "x"})
    assert answer.json()["code"] == "bad_input"


def test_many_clients_get_their_own_answers(client: httpx.Client) -> None:
    prompts = [f"a {color} {kind}" for color in ("red", "blue", "green") for kind in ("star", "ring", "heart")]
    expected = {prompt: whylight.explain(dual_encoder(), SCENE, prompt).relevance[0].numpy() for prompt in prompts}
    wrong: list[str] = []

    def ask(prompt: str) -> None:
        for _ in range(5):
            headers = {"x-whylight-client": prompt}
            answer = client.post("/api/explain", json={"scene": SEED, "targets": [prompt]}, headers=headers).json()
            if not np.allclose(answer["targets"][0]["relevance"], expected[prompt], rtol=1e-3):
                wrong.append(prompt)

    at_once(ask, prompts)
    assert not wrong
