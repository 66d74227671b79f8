"""The server: what it answers, and what it withstands."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from small_views import classifier, dual_encoder, regression
from zoo.text_classifier import text_classifier

import whylight
import whylight.errors
from web.at_once import at_once
from web.conftest import Serving
from whylight.scenes import EXAMPLE_SEEDS, draw_scene
from whylight.web import Limits, app
from whylight.web.guard import Door
from whylight.web.line import Line

SEED = EXAMPLE_SEEDS[0]
SCENE = draw_scene(SEED, 384).picture
ASK = {"scene": SEED, "targets": ["a red star", "a blue ring"]}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    served = {"clip": dual_encoder(), "classes": classifier(), "values": regression()}
    served |= {"words": text_classifier(), "text values": text_values()}
    serving = Serving(
        app(served, limits=Limits(upload_bytes=200_000, pixels=500_000, seconds=20, picture_bytes=400_000))
    )
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        yield client
    serving.stop()


def png(width: int = 64, height: int = 48, value: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def refused(answer: httpx.Response, status: int, said: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    assert said in error
    assert "\n" not in error


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


def text_values() -> Any:
    view = text_classifier()
    view.scores = "raw"
    return view


def test_what_is_no_class_is_told_apart_from_other_faults(client: httpx.Client) -> None:
    answer = client.post("/api/explain", json={"model": "classes", "scene": SEED, "targets": ["lam"]})
    refused(answer, 404, "Did you mean 'lamp'")
    assert answer.json()["code"] == "unknown_class"
    answer = client.post("/api/explain", json={"model": "classes", "scene": SEED, "targets": ["lamp"], "method": "x"})
    assert answer.json()["code"] == "bad_input"


def test_an_uploaded_picture(client: httpx.Client) -> None:
    sent = client.post("/api/pictures", content=png()).json()
    assert (sent["width"], sent["height"]) == (64, 48)
    answer = client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a star"]}).json()
    assert answer["picture_size"] == [48, 64]
    for value in range(60):  # more than are kept
        client.post("/api/pictures", content=png(value=value))
    refused(client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a ring"]}), 410, "send it again")
    again = client.post("/api/pictures", content=png()).json()
    assert again["picture"] == sent["picture"]
    assert client.post("/api/explain", json={"picture": sent["picture"], "targets": ["a star"]}).json()["grid"] == [
        4,
        4,
    ]


def huge_png() -> bytes:
    """A few bytes that would be 2.7 GB of pixels."""
    chunks = (
        (b"IHDR", (30_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    )
    made = b"\x89PNG\r\n\x1a\n"
    for name, data in chunks:
        made += len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return made


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 415, "no picture"),
        (b"<svg onload=alert(1)>", 415, "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "no picture"),
        (b"\x80\x04\x95pickle", 415, "no picture"),
        (huge_png(), 413, "at most"),
        (png()[:60], 422, "cannot be read"),
        (b"\xff\xd8\xff" + b"\0" * 50, 422, "cannot be read"),
        (b"x" * 200_001, 413, "at most"),
    ],
)
def test_uploads_that_are_refused(client: httpx.Client, data: bytes, status: int, said: str) -> None:
    refused(client.post("/api/pictures", content=data), status, said)


def test_a_body_that_does_not_say_how_long_it_is(client: httpx.Client) -> None:
    parts = (b"x" * 50_000 for _ in range(20))
    refused(client.post("/api/pictures", content=parts), 413, "at most")
    parts = (b" " * 500_000 for _ in range(20))
    answer = client.post("/api/explain", content=parts, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_a_body_that_does_not_come() -> None:
    import socket

    serving = Serving(app(dual_encoder(), limits=Limits(seconds=0.3)))
    host, port = serving.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(f"POST /api/pictures HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 100\r\n\r\nabc".encode())
        assert b" 408 " in slow.recv(1000).split(b"\r\n")[0]
    serving.stop()


BODIES: list[Any] = [
    None,
    [],
    "x",
    7,
    {},
    {"scene": -1},
    {"scene": 1.5},
    {"scene": 2**60},
    {"scene": "1; DROP"},
    {"picture": "../../etc/passwd"},
    {"picture": "/etc/passwd", "targets": ["a"]},
    {"scene": SEED, "picture": "0" * 32, "targets": ["a"]},
    ASK | {"model": "hf:gpt2"},
    ASK | {"targets": [{}]},
    ASK | {"targets": ["a"] * 500},
    ASK | {"targets": ["a" * 3000]},
    ASK | {"targets": [" "]},
    ASK | {"targets": []},
    ASK | {"targets": ["a" * 900]},
    ASK | {"targets": ["a"] * 41},
    ASK | {"targets": [1]},
    ASK | {"targets": ["a", 1]},
    ASK | {"method": "legrat"},
    ASK | {"method": ""},
    ASK | {"options": {"start_layer": 99}},
    ASK | {"options": {"start_layer": "x"}},
    ASK | {"options": {"nothing": 1}},
    ASK | {"options": {"words": True}},
    ASK | {"options": {"pooling": "patches"}},
    ASK | {"size": 10**9},
    ASK | {"size": 0},
    ASK | {"more": 1},
    {"model": "classes", "scene": SEED, "targets": ["nothing"]},
    {"model": "classes", "scene": SEED, "targets": [99]},
    {"scene": SEED, "row": 99, "column": 0},
    {"scene": SEED, "row": -1, "column": 0},
    {"scene": SEED, "row": 0, "column": 0, "layer": 50},
    {"scene": SEED, "target": "a", "grid": [[1, 2], [3]], "share": 0.5},
    {"scene": SEED, "target": "a", "grid": [[]], "share": 0.5},
    {"scene": SEED, "target": "a", "grid": [[1.0] * 999], "share": 0.5},
    {"scene": SEED, "target": "a", "grid": [[1]], "share": 2},
    {"scene": SEED, "prompt": "a star", "values": [1], "share": 0.5},
    {"scene": SEED, "prompt": " "},
    {"text": "a film"},
    {"scene": SEED, "question": "what is red"},
    {"name": "x"},
]
ROUTES = (
    "explain",
    "predict",
    "patch",
    "erase",
    "words",
    "words/erase",
    "text",
    "text/erase",
    "save/png",
    "save/exe",
    "ask",
    "ask/save/png",
    "models",
)


@pytest.mark.parametrize("route", ROUTES)
def test_bodies_of_other_shapes_are_4xx_in_one_line(client: httpx.Client, route: str) -> None:
    for body in BODIES:
        answer = client.post(f"/api/{route}", json=body)
        assert answer.status_code < 500, (body, answer.text)
        if answer.status_code != 200:
            refused(answer, answer.status_code)
    for raw in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"scene": NaN}', b'{"scene": 1e999}'):
        answer = client.post(f"/api/{route}", content=raw, headers={"content-type": "application/json"})
        refused(answer, answer.status_code)
        assert 400 <= answer.status_code < 500, (raw[:20], answer.text)


def test_values_that_are_no_numbers(client: httpx.Client) -> None:
    erase = '{"scene": 5, "target": "a star", "grid": [[NaN, 1e999], [1, 2]], "share": 0.5}'
    answer = client.post("/api/erase", content=erase, headers={"content-type": "application/json"})
    assert answer.status_code < 500


def test_who_may_come_in(client: httpx.Client) -> None:
    for headers, status in (
        ({}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": "192.168.1.7"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:1"}, 403),
        ({"origin": str(client.base_url).rstrip("/")}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ):
        answer = client.get("/api/models", headers=headers)
        assert answer.status_code == status, headers
        assert client.post("/api/explain", json=ASK, headers=headers).status_code == status
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200  # a link to the page


def test_the_page_and_nothing_else_is_there(client: httpx.Client) -> None:
    assert "<title>Whylight" in client.get("/").text
    script = client.get("/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert client.get("/main.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    for path in ("/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/page/main.js", "/docs", "/etc/passwd"):
        refused(client.get(path), 404)
    refused(client.get("/api/explain"), 405)
    assert "/api/explain" in client.get("/api/openapi.json").json()["paths"]


def test_a_token_and_a_name() -> None:
    door = Door(("localhost", "127.0.0.1", "demo.example"), True, "s3cret")
    serving = Serving(app(dual_encoder(), door=door))
    with httpx.Client(base_url=serving.address) as client:
        assert client.get("/").status_code == 200
        refused(client.get("/api/models"), 401, "token")
        refused(client.get("/api/models", headers={"authorization": "Bearer x"}), 401, "token")
        right = {"authorization": "Bearer s3cret"}
        for host, status in (("demo.example", 200), ("10.0.0.7:80", 200), ("[::1]:5", 200), ("evil.example", 421)):
            assert client.get("/api/models", headers=right | {"host": host}).status_code == status
    serving.stop()


def test_a_model_that_raises_gives_one_line_and_the_next_request_works(monkeypatch: pytest.MonkeyPatch) -> None:
    view = dual_encoder()
    serving = Serving(app({"own": view}))
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        good = client.post("/api/explain", json=ASK)
        monkeypatch.setattr(view, "encode_text", lambda prompts: torch.zeros(2, 3) @ torch.zeros(2, 3))
        refused(
            client.post("/api/explain", json=ASK | {"targets": ["a new star"]}), 500, "the model failed: RuntimeError"
        )
        monkeypatch.undo()
        again = client.post("/api/explain", json=ASK)
        assert again.json()["targets"] == good.json()["targets"]
    serving.stop()


def test_a_model_that_cannot_be_loaded_says_so() -> None:
    def broken() -> Any:
        raise whylight.WhylightError("could not load it: no network")

    serving = Serving(app({"broken": broken, "clip": dual_encoder}))
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        refused(client.post("/api/explain", json=ASK), 422, "no network")
        assert client.get("/api/models").json()["models"][0] == {
            "name": "broken",
            "state": "failed",
            "waiting": 0,
            "error": "could not load it: no network",
        }
        assert client.post("/api/explain", json=ASK | {"model": "clip"}).status_code == 200
        refused(client.post("/api/models", json={"name": "scenes"}), 403, "--allow-loading")
    serving.stop()


def test_a_model_that_could_not_be_loaded_is_tried_again() -> None:
    tries: list[int] = []

    def loaded() -> Any:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("the network is down")
        return dual_encoder()

    serving = Serving(app({"late": loaded}))
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        while client.get("/api/models").json()["models"][0]["state"] != "failed":
            time.sleep(0.02)
        refused(client.post("/api/explain", json=ASK), 422, "late could not be loaded: OSError: the network is down")
        assert len(tries) == 2
        assert client.post("/api/explain", json=ASK).status_code == 200
        assert client.get("/api/models").json()["models"][0]["state"] == "ready"
        assert len(tries) == 3
    serving.stop()


def test_a_model_that_is_long_in_loading_is_waited_for() -> None:
    go = threading.Event()

    def loaded() -> Any:
        go.wait(20)
        return dual_encoder()

    serving = Serving(app({"slow": loaded}, limits=Limits(seconds=0.2)))
    with httpx.Client(base_url=serving.address, timeout=30) as client:
        answer = client.post("/api/explain", json=ASK)
        refused(answer, 503, "still being loaded")
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("loading", "1")
        assert client.get("/api/models").json()["models"][0]["state"] == "loading"
        go.set()
        while client.get("/api/models").json()["models"][0]["state"] != "ready":
            time.sleep(0.02)
        assert client.post("/api/models", json={"name": "slow"}).json()["state"] == "ready"
    serving.stop()


def test_loading_other_models_where_it_is_allowed() -> None:
    serving = Serving(app([dual_encoder(), dual_encoder()], allow_loading=True))
    with httpx.Client(base_url=serving.address, timeout=60) as client:
        assert [each["name"] for each in client.get("/api/models").json()["models"]] == ["small clip", "small clip (2)"]
        assert client.post("/api/models", json={"name": "scenes-siglip"}).json()["state"] == "ready"
        for name in NO_NAMES:
            refused(client.post("/api/models", json={"name": name}), 403, "folders")
        refused(client.post("/api/models", json={"name": "timm:nothing_like_this"}), 404, "unknown model")
    serving.stop()


NO_NAMES = (
    *("timm:local-dir:/etc", "hf:local-dir:.", "/etc/passwd", "hf:..", "hf:../secret", "hf:/etc", "hf:a/b/c"),
    *("openclip:ViT-B-32//etc/passwd", "openclip:ViT-B-32/../weights.pt", "torchvision:vit_b_16//tmp/weights.pth"),
    *("hf:pyproject.toml", "openclip:ViT-B-32/pyproject.toml"),  # there are such files where the tests run
)


def test_what_the_page_says_itself_is_no_warning_of_the_server() -> None:
    view = dual_encoder()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.warns(whylight.errors.WhylightWarning, match="zebra"):
            whylight.explain(view, SCENE, "a zebra")
        app(view)
        line, done = Line(Limits()), []
        with ThreadPoolExecutor(1) as pool:
            ask = functools.partial(whylight.explain, view, SCENE, "a zebra")
            pool.submit(lambda: done.append(asyncio.run(line.do("client", ask)))).result()
    assert done
    assert not warned


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


def test_the_command_prints_its_address_and_ends_cleanly_with_answers_delivered() -> None:
    command = [sys.executable, "-c", "from whylight.cli.main import main; main()", "web", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        answers: list[httpx.Response] = []
        asked = {"scene": SEED, "targets": ["a plain red ring"], "method": "integrated_gradients"}
        assert "<title>Whylight" in httpx.get(address, timeout=10).text  # while the model is being loaded
        httpx.post(f"{address}api/models", json={"name": "scenes"}, timeout=120).raise_for_status()
        thread = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{address}api/explain", json=asked, timeout=120))
        )
        thread.start()
        time.sleep(0.15)
        assert thread.is_alive(), "the question is being answered"
        process.send_signal(signal.SIGTERM)
        thread.join(120)
        assert answers[0].status_code == 200
        assert answers[0].json()["method"] == "integrated_gradients"
        assert process.wait(30) in (0, -signal.SIGTERM)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    finally:
        process.kill()


def test_a_port_that_is_taken_is_one_line(client: httpx.Client) -> None:
    command = [
        sys.executable,
        "-c",
        "from whylight.cli.main import main; main()",
        "web",
        "--port",
        str(client.base_url.port),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_wheel_has_the_page() -> None:
    from importlib.resources import files

    names = {each.name for each in (files("whylight.web") / "page").iterdir()}
    index = (files("whylight.web") / "page" / "index.html").read_text()
    assert {"index.html", "style.css", "main.js"} <= names
    assert "<script>" not in index
    assert " style=" not in index


def test_nothing_heavy_is_imported_before_the_page_is_there() -> None:
    line = (
        "import sys, whylight.cli.web, whylight.web; "
        "print(sorted({'torch', 'numpy', 'transformers', 'open_clip', 'timm'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"
