"""Models that are loaded late, not at all, or again."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import torch
from small_views import dual_encoder

import whylight
import whylight.errors
from web.asking import ASK, SCENE, refused
from web.conftest import Serving
from whylight.web import Limits, app
from whylight.web.line import Line

NO_NAMES = (
    *("timm:local-dir:/etc", "hf:local-dir:.", "/etc/passwd", "hf:..", "hf:../secret", "hf:/etc", "hf:a/b/c"),
    *("openclip:ViT-B-32//etc/passwd", "openclip:ViT-B-32/../weights.pt", "torchvision:vit_b_16//tmp/weights.pth"),
    *("hf:pyproject.toml", "openclip:ViT-B-32/pyproject.toml"),  # there are such files where the tests run
)


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
