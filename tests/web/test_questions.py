"""What can be asked of a picture over the API beyond prompts and classes: the answers are those of explain."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from small_views import classifier, dual_encoder
from zoo.text_classifier import text_classifier

import whylight
from web.asking import SCENE, SEED, png, refused
from whylight.scenes import EXAMPLE_SEEDS, draw_scene

OTHER = EXAMPLE_SEEDS[1]
PROMPTS = ["a red star", "a blue ring"]


def same(told: dict[str, Any], expected: whylight.Explanation) -> None:
    assert [target["name"] for target in told["targets"]] == list(expected.targets)
    assert [target["score"] for target in told["targets"]] == pytest.approx(expected.scores, abs=1e-4)
    for target, relevance in zip(told["targets"], expected.relevance.numpy(), strict=True):
        shown = target["relevance"] if "relevance" in target else np.sum(target["layers"], 0)
        np.testing.assert_allclose(shown, relevance, rtol=1e-3, atol=1e-6)


def other() -> Any:
    return Image.fromarray(draw_scene(OTHER, 384).picture)


@pytest.mark.parametrize("layers", [False, True])
@pytest.mark.parametrize(
    ("asked", "targets", "how"),
    [
        ({"targets": PROMPTS, "rather_than": "a cross"}, whylight.difference(PROMPTS, ["a cross"] * 2), {}),
        ({"targets": PROMPTS, "without": ["a star", "a ring"]}, PROMPTS, {"without": ["a star", "a ring"]}),
        ({"targets": PROMPTS, "negative": True}, PROMPTS, {"negative": True}),
        ({"like": {"scene": OTHER}}, None, {"like": other()}),
        ({"like": {"scene": OTHER, "patch": [1, 2]}}, None, {"like": other(), "patch": (1, 2)}),
    ],
    ids=["rather than", "without", "negative", "like", "like a patch"],
)
def test_questions(
    client: httpx.Client, asked: dict[str, Any], targets: Any, how: dict[str, Any], layers: bool
) -> None:
    told = client.post("/api/explain", json={"scene": SEED, "layers": layers} | asked).json()
    expected = whylight.explain(dual_encoder(), SCENE, targets, **how)
    name = "the other picture" if "like" in asked else None
    assert name is None or name in told["targets"][0]["name"]
    same(told, expected)
    assert told["scores"] == ("difference" if "rather_than" in asked else "cosine")


def test_one_class_rather_than_another(client: httpx.Client) -> None:
    asked = {"model": "classes", "scene": SEED, "targets": ["lamp"], "rather_than": "tiger cat", "method": "gradcam"}
    expected = whylight.explain(classifier(), SCENE, whylight.difference("lamp", "tiger cat"), "gradcam")
    same(client.post("/api/explain", json=asked).json(), expected)
    answer = client.post("/api/explain", json=asked | {"rather_than": "tiger ca"})
    refused(answer, 404, "Did you mean")
    assert answer.json()["code"] == "unknown_class"


@pytest.mark.parametrize("numbers", ["list", "base64"])
def test_words_of_prompts(client: httpx.Client, numbers: str) -> None:
    prompts = ["a red star", "(a blue ring) and star"]
    asked = {"scene": SEED, "targets": prompts, "words": True, "numbers": numbers}
    told = client.post("/api/explain", json=asked).json()
    expected = whylight.explain(dual_encoder(), SCENE, prompts, words=True)
    assert [target["name"] for target in told["targets"]] == ["a red star", "a blue ring and star"]
    for target, shares in zip(told["targets"], expected.words, strict=True):
        assert [word["text"] for word in target["words"]] == [word.text for word in shares.words]
        assert [(word["start"], word["end"]) for word in target["words"]] == [(w.start, w.end) for w in shares.words]
        assert [word["score"] for word in target["words"]] == pytest.approx(shares.scores, abs=1e-5)
        assert target["no_word"]["score"] == pytest.approx(shares.score_of_no_word, abs=1e-5)
        for word, relevance in zip(target["words"], shares.relevance.numpy(), strict=True):
            own = word["relevance"]
            shown = np.frombuffer(base64.b64decode(own), "<f4").reshape(4, 4) if numbers == "base64" else own
            np.testing.assert_allclose(shown, relevance, atol=2e-6 * np.abs(shares.relevance.numpy()).max())
    saved = client.post("/api/save/html", json={k: v for k, v in asked.items() if k != "numbers"}).text
    assert "words of the prompt" in saved


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rather_than": "a star"}, "name at least one"),
        ({"targets": PROMPTS, "rather_than": "a cross", "without": ["a star"]}, "leave rather_than out"),
        ({"targets": PROMPTS, "like": {"scene": OTHER}}, "not both"),
        ({"like": {"scene": OTHER}, "without": ["a star"]}, "leave them out beside like"),
        ({"like": {}}, "name a picture"),
        ({"like": {"scene": OTHER, "patch": [9, 0]}}, "there is no patch (9, 0)"),
        ({"like": {"scene": OTHER, "patch": [1]}}, "like.patch"),
        ({"targets": ["a star"], "without": ["a star"]}, "nothing is left of 'a star'"),
        ({"targets": ["a star"], "without": ["x" * 501]}, "at most 500 characters"),
        ({"targets": ["a star"], "without": ["a ring"] * 40}, "at most 40 prompts"),
        ({"targets": PROMPTS, "words": True, "negative": True}, "leave negative=True out"),
        ({"targets": PROMPTS, "words": True, "rather_than": "a cross"}, "leave rather_than and like out"),
        ({"targets": PROMPTS, "words": True, "layers": True}, "of whole prompts"),
        ({"targets": ["a b c d e f g h i"], "words": True}, "group some in parentheses"),
        ({"targets": ["a b c d e f g h", "a"], "words": True}, "at most 256"),
        ({"targets": ["a b c d e f g"], "words": True, "method": "gem"}, "at most 64 are taken at once by gem"),
        ({"targets": ["a (star"], "words": True}, "parentheses"),
        ({"model": "classes", "targets": ["lamp"], "words": True}, "is a classifier"),
        ({"model": "classes", "targets": ["lamp"], "without": ["tabby"]}, "is a classifier"),
        ({"model": "classes", "like": {"scene": OTHER}}, "is a classifier"),
    ],
)
def test_what_does_not_go_together_is_one_line(client: httpx.Client, asked: dict[str, Any], said: str) -> None:
    refused(client.post("/api/explain", json={"scene": SEED} | asked), 422, said)
    if "layers" not in asked:
        refused(client.post("/api/save/json", json={"scene": SEED} | asked), 422, said)


def test_patches_are_taken_away_from_any_question(client: httpx.Client) -> None:
    view, grid = dual_encoder(), [[1.0, 0.0], [0.0, 0.0]]
    whole = {"scene": SEED, "grid": grid, "share": 0}
    for asked, targets, how in (
        ({"target": "a star", "rather_than": "a cross"}, whylight.difference("a star", "a cross"), {}),
        ({"target": "a star", "without": ["a ring"]}, "a star", {"without": "a ring"}),
        ({"like": {"scene": OTHER}}, None, {"like": other()}),
    ):
        expected = whylight.explain(view, SCENE, targets, **how)  # type: ignore[arg-type]
        told = client.post("/api/erase", json=whole | asked).json()
        assert told["score"] == pytest.approx(expected.scores[0], abs=1e-4)
        assert told["target"] == expected.targets[0]
        less = client.post("/api/erase", json=whole | asked | {"share": 0.25}).json()
        assert less["score"] != pytest.approx(expected.scores[0], abs=1e-6)
    refused(client.post("/api/erase", json=whole), 422, "say what to look for")


def deep(top: int = 4095) -> tuple[bytes, Any]:
    """A grey picture of 12 bits in 16, as a PNG and as its values."""
    values = (draw_scene(SEED, 96).picture[..., 0].astype(np.float64) / 255 * top).round().astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue(), values


def test_pictures_of_more_than_8_bits_come_with_their_range(client: httpx.Client) -> None:
    data, values = deep()
    answer = client.post("/api/pictures", content=data)
    refused(answer, 422, "do not say what is white: say what is black and what is white")
    assert answer.json()["code"] == "value_range"
    names = []
    for white in (4095, 2000):
        sent = client.post(f"/api/pictures?black=0&white={white}", content=data).json()
        assert (sent["width"], sent["height"]) == (96, 96)
        names.append(sent["picture"])
        told = client.post("/api/explain", json={"picture": sent["picture"], "targets": PROMPTS}).json()
        same(told, whylight.explain(dual_encoder(), values, PROMPTS, value_range=(0, white)))
        seen = np.asarray(Image.open(io.BytesIO(client.get(f"/api/pictures/{names[-1]}/picture.png").content)))
        wanted = np.clip(values / white, 0, 1)[..., None].repeat(3, 2) * 255
        np.testing.assert_allclose(seen, wanted, atol=0.51)
    assert len(set(names)) == 2
    told = client.post("/api/explain", json={"scene": SEED, "like": {"picture": names[0]}}).json()
    eight = Image.fromarray(np.clip(values / 4095 * 255 + 0.5, 0, 255).astype(np.uint8))
    near = whylight.explain(dual_encoder(), SCENE, like=eight)
    assert told["targets"][0]["score"] == pytest.approx(near.scores[0], abs=2e-3)
    told = client.post("/api/explain", json={"picture": names[0], "like": {"scene": SEED}}).json()
    assert told["targets"][0]["score"] == pytest.approx(near.scores[0], abs=2e-3)


@pytest.mark.parametrize(
    ("between", "said"),
    [
        ("black=0", "go together"),
        ("black=5&white=5", "two different numbers"),
        ("black=nan&white=1", "two different numbers"),
        ("black=0&white=1e999", "two different numbers"),
        ("black=x&white=1", "black"),
    ],
)
def test_ranges_that_are_none(client: httpx.Client, between: str, said: str) -> None:
    refused(client.post(f"/api/pictures?{between}", content=deep()[0]), 422, said)


def test_pictures_that_were_sent_are_seen_upright_and_no_others_are(client: httpx.Client) -> None:
    sent = client.post("/api/pictures", content=png(64, 48, 7)).json()["picture"]
    seen = Image.open(io.BytesIO(client.get(f"/api/pictures/{sent}/picture.png").content))
    assert (seen.size, seen.getpixel((0, 0))) == ((64, 48), (7, 7, 7))
    refused(client.get(f"/api/pictures/{'0' * 32}/picture.png"), 410, "send it again")
    refused(client.get("/api/pictures/..%2f..%2fetc/picture.png"), 404)
    refused(client.get("/api/pictures/etc/picture.png"), 422, "name")


def test_a_pair_of_texts(client: httpx.Client) -> None:
    pair = ("a good film", "not a bad one")
    asked = {"model": "words", "text": pair[0], "pair": pair[1], "targets": ["good"]}
    told = client.post("/api/text", json=asked).json()
    expected = whylight.explain_text(text_classifier(), pair, "good")
    assert told["pair"] == list(pair)
    assert told["targets"][0]["score"] == pytest.approx(expected.scores[0], abs=1e-5)
    np.testing.assert_allclose(told["targets"][0]["words"], expected.word_relevance[0].numpy(), atol=1e-5)
    assert [word["sentence"] for word in told["words"]] == [1] * 3 + [2] * 4
    refused(client.post("/api/text", json=asked | {"pair": "x " * 20_000}), 422, "at most 20000 characters")
    refused(client.post("/api/text", json=asked | {"pair": ""}), 422, "pair")
