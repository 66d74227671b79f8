"""The stage of the page: layers, views, the slider."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import whylight
from whylight.scenes import draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import HEART, RING, SEED, answered, canvas, mask_of, open_page, settle


def test_layers(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&p=a+plain+red+ring&view=map&colormap=gray")
    settle(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "explain" in request.url else None)
    page.get_by_label("Last").fill("2")
    expect(page.locator("#layers-out")).to_have_text("1 to 3 of 6")
    page.get_by_label("One alone").check()
    expect(page.locator("#layers-out")).to_have_text("3 alone")
    settle(page)
    session = whylight.record(whylight.load("scenes"), draw_scene(SEED, 384).picture)
    _, layers = session.explain_by_layer(RING)
    best = int(layers[0, 2].argmax())
    shown = canvas(page)[..., 0]
    at = np.unravel_index(shown.argmax(), shown.shape)
    assert (int(at[0] * 12 / 640), int(at[1] * 12 / 640)) == divmod(best, 12)
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#layers-out")).not_to_have_text("3 alone")  # each is there for a moment alone
    expect(page.locator("#layers-out")).to_contain_text("alone")
    page.get_by_role("button", name="Stop").click()
    page.locator("#all-layers").click()
    expect(page.locator("#layers-out")).to_have_text("1 to 6 of 6")
    assert not asked, "layers are the browser's own work"


def test_views_of_several_prompts(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&p=a+plain+red+ring&p=a+dotted+blue+heart")
    answered(page, 1)
    for name, count in (("Side by side", 2), ("All prompts", 3), ("Slider", 1), ("Which wins", 1)):
        page.get_by_role("radio", name=name).check()
        expect(page.locator("#cells canvas")).to_have_count(count)
    settle(page)
    shown = canvas(page).astype(int)
    for prompt, color in ((RING, (0xE6, 0x9F, 0x00)), (HEART, (0x56, 0xB4, 0xE9))):
        other = (0x56, 0xB4, 0xE9) if prompt == RING else (0xE6, 0x9F, 0x00)
        inside = shown[mask_of(prompt, 640)]
        nearer = np.abs(inside - color).sum(1) < np.abs(inside - other).sum(1)
        assert nearer.mean() > 0.7
    page.get_by_role("radio", name="Overlay").check()
    page.get_by_label("Contour").check()
    expect(page.locator("#threshold-out")).to_have_text("50 %")
    page.get_by_label("Patch grid").check()
    page.locator("#cells canvas").hover(position={"x": 100, "y": 100})
    expect(page.locator("#readout")).to_have_text(re.compile(r"row \d+, column \d+: a plain red ring \d+ %"))


def test_the_slider_between_picture_and_overlay(page: Any, address: str) -> None:
    """What lies left of it is the picture, what lies right the overlay, wherever it is dragged or stepped to."""
    open_page(page, address)
    page.get_by_role("radio", name="Side by side").check()
    expect(page.locator("#cells canvas")).to_have_count(2)
    settle(page)
    plain = canvas(page, "#cells figure:nth-child(1) canvas")
    covered = canvas(page, "#cells figure:nth-child(2) canvas")
    page.get_by_role("radio", name="Slider").check()
    expect(page.locator("#cells canvas")).to_have_count(1)

    def split_at(share: float) -> None:
        settle(page)
        shown, column = canvas(page), round(share * plain.shape[1])
        assert np.array_equal(shown[:, : max(column - 4, 0)], plain[:, : max(column - 4, 0)])
        assert np.array_equal(shown[:, column + 4 :], covered[:, column + 4 :])
        assert not np.array_equal(plain[:, column + 4 :], covered[:, column + 4 :])

    split_at(0.5)
    box = page.locator("#cells canvas").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.5 * box["width"], middle)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8):
        page.mouse.move(box["x"] + share * box["width"], middle)
        settle(page)
    page.mouse.up()
    split_at(0.8)
    expect(page.get_by_role("slider", name="Picture")).to_have_value("80")
    page.mouse.move(box["x"] + 0.2 * box["width"], middle)  # no button is down
    split_at(0.8)
    wipe = page.get_by_role("slider", name="Picture")
    wipe.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(wipe).to_have_value("75")
    split_at(0.75)
    page.keyboard.press("Home")
    split_at(0.0)
