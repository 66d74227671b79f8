"""Bodies of any shape: what is not understood is refused in one line."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from web.asking import ASK, SEED, refused

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
    ASK | {"rather_than": []},
    ASK | {"rather_than": 10**9},
    ASK | {"without": "a star"},
    ASK | {"without": [""]},
    ASK | {"negative": "maybe"},
    ASK | {"like": 7},
    ASK | {"like": {"scene": SEED, "picture": "0" * 32}},
    {"scene": SEED, "like": {"scene": 2**60}},
    {"scene": SEED, "like": {"scene": SEED, "patch": [-1, 0]}},
    {"scene": SEED, "like": {"scene": SEED, "patch": [1, 2, 3]}},
    ASK | {"words": True, "targets": ["(a", ")"]},
    ASK | {"words": True, "targets": ["a b c d e f g h i j k l m"]},
    {"scene": SEED, "grid": [[1]], "share": 0.5},
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
