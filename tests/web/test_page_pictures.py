"""Pictures on the page: chosen, dropped, drawn, too large, none."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

import whylight
from whylight.scenes import EXAMPLE_SEEDS, draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import HEART, RING, SEED, answered, canvas, open_page, settle, tab


def test_an_upload_with_a_nasty_name_lies_upright(page: Any, address: str, tmp_path: Any) -> None:
    picture = Image.fromarray(draw_scene(SEED, 300).picture).resize((450, 300))
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    file = tmp_path / "<img src=x onerror=alert(1)>.png"
    turned.save(file, exif=exif)
    open_page(page, address)
    page.locator("#file").set_input_files(file)
    expect(page.locator("#live")).to_have_text(re.compile("450 by 300"))
    answered(page)
    settle(page)
    assert canvas(page).shape[:2] == (427, 640)
    tab(page, "Take it along")
    expect(page.locator("#panel-take code").first).to_contain_text("<img src=x onerror=alert(1)>.png")
    assert not page.locator("img[src=x]").count()
    expect(page.locator("#address-note")).to_contain_text("everything but your picture")


def test_a_very_large_photograph_lies_upright(page: Any, address: str, tmp_path: Any) -> None:
    scene = Image.fromarray(draw_scene(SEED, 500).picture)
    lying = scene.resize((4000, 6000)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    file = tmp_path / "phone.jpg"
    lying.save(file, exif=exif, quality=85)
    assert lying.size == (6000, 4000)
    open_page(page, address)
    page.locator("#file").set_input_files(file)
    expect(page.locator("#live")).to_have_text(re.compile("Answered"), timeout=40_000)
    expect(page.get_by_role("alert")).to_be_hidden()
    settle(page)
    assert canvas(page).shape[:2] == (640, 427)
    expected = whylight.explain("scenes", file, RING)
    expect(page.locator(".score").first).to_have_text(f"{expected.scores[0]:.3f}")
    page.get_by_role("radio", name="Side by side").check()
    settle(page)
    shown = canvas(page).astype(float)
    upright = np.asarray(scene.resize((427, 640), Image.Resampling.BOX)).astype(float)
    assert np.abs(shown - upright).mean() < 8
    assert np.abs(shown[::-1] - upright).mean() > 12, "turned over it would not look like that"


def test_pictures_beyond_the_limits_are_one_line(page: Any, address: str, tmp_path: Any) -> None:
    open_page(page, address)
    before = page.locator(".score").first.text_content()
    many = tmp_path / "map.png"
    Image.new("L", (10_000, 6_000)).save(many)
    page.locator("#file").set_input_files(many)
    expect(page.get_by_role("alert")).to_contain_text("at most 50.0 million pixels are taken")
    heavy = tmp_path / "heavy.bmp"
    heavy.write_bytes(b"BM" + bytes(33 * 2**20))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/api/pictures" in request.url else None)
    page.locator("#file").set_input_files(heavy)
    expect(page.get_by_role("alert")).to_contain_text("this file has 33 MB, and at most 32 MB are taken")
    assert not sent, "what is too large is not sent"
    assert page.locator(".score").first.text_content() == before


def test_dropped_and_pasted_pictures(page: Any, address: str) -> None:
    open_page(page, address)
    carry = """([kind, seed]) => fetch(`api/scenes/${seed}/picture.png`).then((a) => a.blob()).then((blob) => {
        const carried = new DataTransfer();
        carried.items.add(new File([blob], `${kind}.png`, { type: "image/png" }));
        const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: carried, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true });
        document.dispatchEvent(event);
    })"""
    tab(page, "Take it along")
    for kind, seed in (("drop", EXAMPLE_SEEDS[1]), ("paste", EXAMPLE_SEEDS[2])):
        page.evaluate(carry, [kind, seed])
        expect(page.locator("#panel-take code").first).to_contain_text(f'"{kind}.png"')
        expected = whylight.explain("scenes", draw_scene(seed, 384).picture, RING).scores[0]
        expect(page.locator(".score").first).to_have_text(f"{expected:.3f}")


def test_a_new_scene_and_one_of_the_gallery(page: Any, address: str) -> None:
    open_page(page, address)
    page.locator("#gallery button").nth(1).click()
    answered(page, 1)
    expect(page.get_by_label("Prompt 1", exact=True)).to_have_value("a dotted green heart")
    expect(page.locator("#gallery button").nth(1)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="New", exact=True).click()
    expect(page.locator("#seed")).not_to_have_value(str(EXAMPLE_SEEDS[1]))
    page.locator("#seed").fill("77")
    page.get_by_role("button", name="Draw").click()
    expected = whylight.explain("scenes", draw_scene(77, 384).picture, "a dotted green heart").scores[0]
    expect(page.locator(".score").first).to_have_text(f"{expected:.3f}")


def test_a_picture_that_the_server_dropped_is_sent_again_unseen(page: Any, address: str, tmp_path: Any) -> None:
    file = tmp_path / "mine.png"
    Image.fromarray(draw_scene(SEED, 200).picture).save(file)
    open_page(page, address)
    page.locator("#file").set_input_files(file)
    expect(page.locator("#live")).to_have_text(re.compile("Answered"))
    gone = '{"error": "gone", "code": "picture_gone"}'
    page.route("**/api/explain", lambda route: route.fulfill(status=410, body=gone), times=1)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/api/pictures" in request.url else None)
    page.get_by_label("Prompt 1", exact=True).fill(HEART)
    expected = whylight.explain("scenes", str(file), HEART).scores[0]
    expect(page.locator(".score").first).to_have_text(f"{expected:.3f}")
    assert len(sent) == 1
    expect(page.locator("#fault")).to_be_hidden()


def test_what_is_no_picture_is_one_line(page: Any, address: str, tmp_path: Any) -> None:
    open_page(page, address)
    file = tmp_path / "letter.png"
    file.write_bytes(b"<svg onload=alert(1)>")
    page.locator("#file").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("no picture of a known format")
