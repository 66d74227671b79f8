"""What the server is asked in tests, and what a refusal looks like."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
from PIL import Image
from zoo.text_classifier import text_classifier

from whylight.scenes import EXAMPLE_SEEDS, draw_scene

SEED = EXAMPLE_SEEDS[0]
SCENE = draw_scene(SEED, 384).picture
ASK = {"scene": SEED, "targets": ["a red star", "a blue ring"]}


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


def text_values() -> Any:
    view = text_classifier()
    view.scores = "raw"
    return view
