"""What lies below the map: methods, patches, words, erasing, files."""

from __future__ import annotations

import json
import re
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

import whylight
from whylight.pictures.overlay import overlay
from whylight.pictures.word_maps import SIGNED, word_maps
from whylight.scenes import draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import RING, SEED, answered, canvas, open_page, tab


def test_methods_side_by_side(page: Any, address: str) -> None:
    open_page(page, address)
    tab(page, "Methods")
    expect(page.locator("#method-cells canvas")).to_have_count(3, timeout=20_000)
    expect(page.locator("#method-cells figcaption").nth(1)).to_have_text(
        re.compile(r"chefercam.*(ms|s), [\d.]+ × a forward")
    )
    page.get_by_role("button", name="rollout", exact=True).click()
    expect(page.locator("#method-cells canvas")).to_have_count(4)
    answers = [
        whylight.explain("scenes", draw_scene(SEED, 384).picture, RING, name) for name in ("legrad", "chefercam")
    ]
    ranks = [answer.relevance.flatten().argsort().argsort().double() for answer in answers]
    expected = float(np.corrcoef(*ranks)[0, 1])
    expect(page.locator(".matrix tbody tr").first.locator("td").nth(1)).to_have_text(f"{expected:.2f}")
    page.locator("#method").select_option("rollout")
    answered(page)
    expect(page.locator("#layers-out")).to_have_text("in one")


def test_a_patch(page: Any, address: str) -> None:
    open_page(page, address)
    tab(page, "Patches and heads")
    box = page.locator("#cells canvas").bounding_box()
    page.locator("#cells canvas").hover(position={"x": box["width"] * 0.5 / 12, "y": box["height"] * 1.5 / 12})
    expect(page.locator("#panel-patches")).to_contain_text("Patch in row 2, column 1")
    page.locator("#cells canvas").click(position={"x": box["width"] * 3.5 / 12, "y": box["height"] * 2.5 / 12})
    expect(page.locator("#panel-patches")).to_contain_text("Patch in row 3, column 4")
    expect(page.locator("#patch-cells canvas")).to_have_count(4)
    page.locator("#cells canvas").press("ArrowRight")
    expect(page.locator("#panel-patches")).to_contain_text("row 3, column 5")


def test_words(page: Any, address: str) -> None:
    open_page(page, address)
    expect(page.locator("#prompt-words .word")).to_have_text(["a", "plain", "red", "ring"])
    page.locator("#prompt-words .word").nth(2).hover()
    expect(page.locator("#without-cells figcaption").nth(1)).to_have_text(re.compile(r"without “red”: -?0\.\d+"))
    expected = whylight.explain("scenes", draw_scene(SEED, 384).picture, "a plain ring").scores[0]
    expect(page.locator("#without-cells figcaption").nth(1)).to_contain_text(f"{expected:.3f}")


def test_what_each_word_adds(page: Any, address: str) -> None:
    open_page(page, address)
    expected = whylight.explain("scenes", draw_scene(SEED, 384).picture, RING, words=True)
    (shares,) = expected.words
    page.get_by_role("radio", name="What each word adds").check()
    words = page.locator("#prompt-words button")
    expect(words).to_have_text(["a", "plain", "red", "ring"])
    most = int(shares.relevance.abs().sum((1, 2)).argmax())
    expect(words.nth(most)).to_have_attribute("aria-pressed", "true")
    caption = page.locator("#without-cells figcaption").nth(1)
    for number in range(4):
        words.nth(number).click()
        expect(caption).to_contain_text(f"{shares.scores[number]:+.3f}".replace("-", "−"))
        classes = str(words.nth(number).get_attribute("class")).split()
        assert ("against" in classes) == (shares.scores[number] < 0)
        shown = canvas(page, "#without-cells figure:nth-child(2) canvas").astype(float)
        heat = word_maps(shares, expected.frame)[number].heat
        drawn = overlay(expected.picture, heat, colormap=SIGNED, signed=True).resize((300, 300), Image.Resampling.BOX)
        assert np.abs(shown - np.asarray(drawn)).mean() < 4
    words.nth(3).press("ArrowRight")
    expect(words.first).to_be_focused()
    expect(caption).to_contain_text("“a”")
    expect(page).to_have_url(re.compile("words=adds"))
    page.get_by_label("Prompt 1", exact=True).fill("(a red ring) and a star")
    expect(words).to_have_text(["a red ring", "and", "a", "star"])
    page.get_by_label("Prompt 1", exact=True).fill("a b c d e f g h i")
    expect(page.locator("#prompt-words")).to_contain_text("group some in parentheses")
    page.get_by_label("Prompt 1", exact=True).blur()
    expect(page.locator(".prompts .unknown").first).to_contain_text("not known")  # until then the page moves
    page.get_by_role("radio", name="By the text tower").check()
    expect(page.locator("#prompt-words .word")).to_have_count(9)


def test_is_it_true(page: Any, address: str) -> None:
    open_page(page, address)
    tab(page, "Is it true?")
    page.get_by_role("button", name="Erase patches").click()
    expect(page.locator("#panel-erase .verdict").first).to_contain_text("The map holds", timeout=30_000)
    points = page.locator("#panel-erase polyline.score").first.get_attribute("points").split()
    assert len(points) == 10
    assert (canvas(page, "#erased").sum(-1) == 0).mean() == pytest.approx(0.9, abs=0.04)
    page.get_by_role("button", name="Take out words").first.click()
    expect(page.locator("#panel-erase .verdict").nth(1)).to_contain_text("mean score", timeout=30_000)


def test_take_it_along(page: Any, address: str, tmp_path: Any) -> None:
    open_page(page, address)
    tab(page, "Take it along")
    expected = whylight.explain("scenes", draw_scene(SEED, 384).picture, RING)
    files = {}
    for form in ("png", "npz", "json", "html", "overlay"):
        with page.expect_download() as download:
            page.locator(f"#save-{form}").click()
        files[form] = tmp_path / f"saved.{form}"
        download.value.save_as(files[form])
    assert Image.open(files["png"]).width > 800
    assert Image.open(files["overlay"]).size == (640, 640)
    assert zipfile.is_zipfile(files["npz"])
    np.testing.assert_allclose(np.load(files["npz"])["maps"], expected.maps.numpy(), atol=1e-5)
    saved = json.loads(files["json"].read_text())
    np.testing.assert_allclose(saved["targets"][0]["relevance"], expected.relevance[0].numpy(), rtol=1e-4)
    kept = page.context.new_page()
    kept.goto(files["html"].as_uri())
    expect(kept.get_by_role("figure")).to_contain_text(RING)
    kept.close()
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("#live")).to_have_text(re.compile("copied"))
    lines = page.evaluate("() => navigator.clipboard.readText()")
    scope: dict[str, Any] = {}
    exec(lines.replace("import whylight", "import whylight, whylight.scenes").rpartition("\n")[0], scope)
    np.testing.assert_allclose(scope["result"].maps.numpy(), expected.maps.numpy(), atol=1e-5)
