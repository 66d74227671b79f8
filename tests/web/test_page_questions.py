"""What the page asks beyond prompts: rather than, without, against, likeness, and pictures of more than 8 bits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import whylight
import whylight.scenes
from whylight.scenes import EXAMPLE_SEEDS, draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import HEART, RING, SEED, answered, brightest, canvas, more, open_page, settle, tab

SCENE = draw_scene(SEED, 384).picture
STAR = "a striped yellow star"


def scored(page: Any, expected: whylight.Explanation, row: int = 0) -> None:
    expect(page.locator(".score").nth(row)).to_have_text(f"{expected.scores[0]:.3f}")


def caption(page: Any, said: str) -> None:
    expect(page.locator("#cells figcaption")).to_have_text(said)


def shown_map(page: Any) -> np.ndarray:
    """The map alone, in grey, as large as the scene."""
    brightest(page)
    return np.asarray(Image.fromarray(canvas(page)).resize((384, 384), Image.Resampling.BOX))[..., 0] / 255


def written(page: Any, which: int = 0) -> str:
    tab(page, "Take it along")
    return str(page.locator("#panel-take code").nth(which).text_content())


def run_lines(page: Any) -> whylight.Explanation:
    scope: dict[str, Any] = {}
    exec(written(page).replace("import whylight", "import whylight, whylight.scenes").rpartition("\n")[0], scope)
    return scope["result"]


def test_this_rather_than_that_and_what_speaks_against(page: Any, address: str) -> None:
    open_page(page, address)
    more(page)
    page.locator("#rather-than").fill(STAR)
    difference = whylight.difference(RING, STAR)
    expected = whylight.explain("scenes", SCENE, difference)
    scored(page, expected)
    caption(page, f"{RING} rather than {STAR}")
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.01
    expect(page.get_by_label("Without", exact=True)).to_be_disabled()
    page.get_by_label("What speaks against it").check()
    caption(page, f"against {RING} rather than {STAR}")
    scored(page, expected)
    against = whylight.explain("scenes", SCENE, difference, negative=True)
    assert np.abs(shown_map(page) - against.maps[0].numpy()).mean() < 0.01
    expect(page).to_have_url(re.compile("than=a\\+striped\\+yellow\\+star.*negative=1"))
    expect(page.locator("#ask-more summary")).to_contain_text(f"rather than {STAR} · what speaks against")
    np.testing.assert_allclose(run_lines(page).maps.numpy(), against.maps.numpy(), atol=1e-5)
    assert f"--rather-than '{STAR}' --negative" in written(page, 1)
    url = page.url
    page.goto("about:blank")
    page.goto(url)
    caption(page, f"against {RING} rather than {STAR}")


def test_prompts_without_others(page: Any, address: str) -> None:
    open_page(page, address)
    more(page)
    page.get_by_label("Without", exact=True).press_sequentially(f"a ring; {HEART}", delay=3)
    expected = whylight.explain("scenes", SCENE, RING, without=["a ring", HEART])
    scored(page, expected)
    caption(page, expected.targets[0])
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.01
    np.testing.assert_allclose(run_lines(page).maps.numpy(), expected.maps.numpy(), atol=1e-5)
    assert f"--without 'a ring' --without '{HEART}'" in written(page, 1)
    tab(page, "Words")
    page.get_by_role("radio", name="What each word adds").check()
    expect(page.locator("#prompt-words")).to_contain_text("prompts as they are")
    page.get_by_label("Without", exact=True).fill(RING)
    expect(page.get_by_role("alert")).to_contain_text(f"nothing is left of '{RING}'")
    page.get_by_label("Without", exact=True).fill("")
    scored(page, whylight.explain("scenes", SCENE, RING))
    expect(page.locator("#prompt-words button")).to_have_count(4)


def test_likeness_to_a_scene_and_to_a_patch_of_it(page: Any, address: str) -> None:
    open_page(page, address)
    more(page)
    page.get_by_role("button", name="A scene", exact=True).click()
    other = draw_scene(EXAMPLE_SEEDS[1], 384).picture
    caption(page, f"like scene {EXAMPLE_SEEDS[1]}")
    expected = whylight.explain("scenes", SCENE, like=other)
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.01
    expect(page.locator("#prompts")).to_be_hidden()
    expect(page.locator("#panel-words")).to_contain_text("A picture has no words")
    box = page.locator("#like-canvas").bounding_box()
    page.locator("#like-canvas").click(position={"x": box["width"] * 2.5 / 12, "y": box["height"] * 1.5 / 12})
    caption(page, f"like scene {EXAMPLE_SEEDS[1]}, patch 2, 3")
    expected = whylight.explain("scenes", SCENE, like=other, patch=(1, 2))
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.01
    page.locator("#like-canvas").press("ArrowDown")
    caption(page, f"like scene {EXAMPLE_SEEDS[1]}, patch 3, 3")
    expected = whylight.explain("scenes", SCENE, like=other, patch=(2, 2))
    np.testing.assert_allclose(run_lines(page).maps.numpy(), expected.maps.numpy(), atol=1e-5)
    assert "--like like.png --patch 2,2" in written(page, 1)
    with page.expect_download() as download:
        page.locator("#save-npz").click()
    np.testing.assert_allclose(np.load(download.value.path())["maps"], expected.maps.numpy(), atol=1e-5)
    tab(page, "Is it true?")
    page.get_by_role("button", name="Erase patches").click()
    expect(page.locator("#panel-erase .verdict").first).to_contain_text("mean score", timeout=30_000)
    url = page.url
    page.goto("about:blank")
    page.goto(url)
    caption(page, f"like scene {EXAMPLE_SEEDS[1]}, patch 3, 3")
    more(page)
    expect(page.locator("#like-canvas")).to_be_visible()
    page.locator("#like-canvas").press("Escape")
    caption(page, f"like scene {EXAMPLE_SEEDS[1]}")
    page.get_by_role("button", name="Take it away").click()
    answered(page)
    caption(page, RING)


def test_likeness_to_a_file_that_the_server_drops(page: Any, address: str, tmp_path: Path) -> None:
    file = tmp_path / "other.png"
    Image.fromarray(draw_scene(EXAMPLE_SEEDS[2], 200).picture).save(file)
    open_page(page, address)
    more(page)
    page.locator("#like-file").set_input_files(file)
    caption(page, "like other.png")
    gone = '{"error": "gone", "code": "picture_gone"}'
    page.route("**/api/explain", lambda route: route.fulfill(status=410, body=gone), times=1)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/api/pictures" in request.url else None)
    page.get_by_label("What speaks against it").check()
    caption(page, "against like other.png")
    assert len(sent) == 1
    expected = whylight.explain("scenes", SCENE, like=file, negative=True)
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.01


def test_likeness_to_a_picture_of_12_bits(page: Any, address: str, tmp_path: Path) -> None:
    values = (draw_scene(EXAMPLE_SEEDS[2], 200).picture[..., 0].astype(np.float64) / 255 * 4095).round()
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "deep.tif")
    open_page(page, address)
    more(page)
    page.locator("#like-file").set_input_files(tmp_path / "deep.tif")
    expect(page.locator("#range-form")).to_be_visible()
    page.get_by_role("button", name="Use", exact=True).click()
    caption(page, "like deep.tif")
    eight = Image.fromarray(np.clip(values / 4095 * 255 + 0.5, 0, 255).astype(np.uint8))
    expected = whylight.explain("scenes", SCENE, like=eight)
    assert np.abs(shown_map(page) - expected.maps[0].numpy()).mean() < 0.02
    expect(page.locator("#like-canvas")).to_be_visible()


def test_classes_are_told_apart_too(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&model=classes&p=lamp")
    more(page)
    expect(page.get_by_label("Without", exact=True)).to_be_hidden()
    expect(page.get_by_text("Like another picture")).to_be_hidden()
    page.locator("#rather-than").fill("tiger cat")
    caption(page, "lamp rather than tiger cat")
    page.locator("#rather-than").fill("tiger ca")
    expect(page.locator(".prompts .unknown").first).to_contain_text("has no class 'tiger ca'")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_picture_of_12_bits_asks_what_is_black_and_white(
    page: Any, address: str, tmp_path: Path, ending: str
) -> None:
    values = (draw_scene(SEED, 200).picture[..., 0].astype(np.float64) / 255 * 4095).round().astype(np.uint16)
    file = tmp_path / f"deep.{ending}"
    Image.fromarray(values).save(file)
    open_page(page, address)
    page.locator("#file").set_input_files(file)
    expect(page.locator("#range-form")).to_contain_text("do not say what is white")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_label("White")).to_be_focused()
    page.get_by_label("White").fill("light")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("black and white are numbers")
    page.get_by_label("White").fill("4095")
    page.keyboard.press("Enter")
    expect(page.locator("#range-form")).to_be_hidden()
    expect(page.locator("#live")).to_have_text(re.compile("Answered"))
    expected = whylight.explain("scenes", values, RING, value_range=(0, 4095))
    scored(page, expected)
    page.get_by_role("radio", name="Side by side").check()
    settle(page)
    shown = np.asarray(Image.fromarray(canvas(page)).resize((200, 200), Image.Resampling.BOX)).astype(float)
    assert np.abs(shown[..., 0] - values / 4095 * 255).mean() < 3, "as it is seen, not dark"
    assert "value_range=(0, 4095)" in written(page)
    assert "--value-range 0 4095" in written(page, 1)
    gone = '{"error": "gone", "code": "picture_gone"}'
    page.route("**/api/explain", lambda route: route.fulfill(status=410, body=gone), times=1)
    page.get_by_label("Prompt 1", exact=True).fill(HEART)
    scored(page, whylight.explain("scenes", values, HEART, value_range=(0, 4095)))
