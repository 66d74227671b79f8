"""What a page shows, and when it has come to rest: shared by the tests in a browser."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from whylight.scenes import EXAMPLE_SEEDS, draw_scene, phrase

SEED = EXAMPLE_SEEDS[0]
RING, HEART = "a plain red ring", "a dotted blue heart"


def open_page(page: Any, address: str, fragment: str = f"scene={SEED}&p=a+plain+red+ring") -> None:
    page.goto("about:blank")
    page.goto(f"{address}/#{fragment}")
    answered(page)


def answered(page: Any, row: int = 0) -> None:
    expect(page.locator(".score").nth(row)).to_have_text(re.compile(r"\d"), timeout=30_000)


def canvas(page: Any, where: str = "#cells canvas") -> np.ndarray:
    """What a canvas shows, (height, width, 3)."""
    data = page.locator(where).first.evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB"))


def settle(page: Any) -> None:
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def mask_of(prompt: str, size: int) -> np.ndarray:
    scene = draw_scene(SEED, size)
    return next(each.mask for each in scene.objects if phrase(each.kind, each.color, each.texture) == prompt)


def more(page: Any) -> None:
    """Open the place below the prompts where more can be asked."""
    page.locator("#ask-more summary").click()


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def brightest(page: Any) -> tuple[int, int]:
    page.get_by_role("radio", name="Map alone").check()
    page.locator("#colormap").select_option("gray")
    settle(page)
    shown = canvas(page)[..., 0]
    return np.unravel_index(shown.argmax(), shown.shape)  # type: ignore[return-value]
