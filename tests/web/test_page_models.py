"""Models on the page: classes, values, texts, and one that comes late."""

from __future__ import annotations

import re
from typing import Any

import pytest
from PIL import Image
from small_views import regression
from zoo.text_classifier import text_classifier

import whylight
from whylight.scenes import draw_scene
from whylight.web import app

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.conftest import Serving
from web.seen import HEART, SEED, answered, open_page


def test_a_model_that_could_not_be_loaded_can_be_tried_again(browser: Any) -> None:
    tries: list[int] = []

    def loaded() -> Any:
        tries.append(1)
        if len(tries) in (1, 2, 3):
            raise whylight.WhylightError("the network is down")
        return whylight.load("scenes")

    serving = Serving(app({"late": loaded}))
    page = browser.new_page()
    page.goto(f"{serving.address}/#scene={SEED}&p=a+plain+red+ring")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("the network is down")
    expect(page.locator("#model-facts")).to_have_text("not loaded")
    count = len(tries)
    if count < 3:
        with page.expect_response("**/api/models"):
            page.get_by_role("button", name="Try again").click()
        expect(alert).to_contain_text("the network is down")
        assert len(tries) == count + 1
    page.get_by_label("Prompt 1", exact=True).fill(HEART)  # asking tries again by itself
    answered(page)
    expect(alert).to_be_hidden()
    page.close()
    serving.stop()


def test_a_classifier(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&model=classes")
    expect(page.locator("#top-classes button")).to_have_count(5)
    expect(page.locator(".score").first).to_have_text(re.compile(r"\d+\.\d %"))
    page.get_by_role("button", name="Add a class").click()
    page.get_by_label("Class 2", exact=True).fill("lamp")
    answered(page, 1)
    assert page.locator("#class-names option").count() == 5
    page.get_by_label("Class 1", exact=True).fill("tabby")
    answered(page)


def test_half_a_class_is_no_fault_and_its_near_ones_are_offered(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&model=classes")
    refused = page.locator(".prompts li").first.locator(".unknown")
    row = page.get_by_label("Class 1", exact=True)
    row.fill("")
    with page.expect_response(lambda answer: "explain" in answer.url and answer.status == 404):
        row.press_sequentially("tabb", delay=260)  # slower than the pause after which it asks
    expect(page.get_by_role("group", name="Classes of a like name").get_by_role("button")).to_have_text(
        ["tabby, tabby cat"]
    )
    assert refused.text_content() == "", "who is still typing is not told"
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(refused).to_contain_text("has no class 'tabb'. Did you mean")
    expect(page.locator("#live")).to_contain_text("has no class 'tabb'")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.get_by_role("button", name="tabby, tabby cat", exact=True).last.click()
    answered(page)
    expect(refused).to_have_text("")
    row.fill("zebra")
    with page.expect_response(lambda answer: "explain" in answer.url and answer.status == 404):
        row.blur()
    expect(refused).to_contain_text("has no class 'zebra'", timeout=900)


def test_a_text_classifier(page: Any, address: str) -> None:
    page.goto(f"{address}/#model=words")
    expect(page.locator("#text-page")).to_be_visible(timeout=20_000)
    page.locator("#text").fill("The film was <b>good</b> 😀 not bad")
    expect(page.locator("#text-score")).to_have_text(re.compile(r"(good|bad): \d+\.\d %"))
    expect(page.locator("#text-words")).to_have_text("The film was <b>good</b> 😀 not bad")
    assert page.locator("#text-words b").count() == 0
    page.locator("#text-class").select_option("good")
    expect(page.locator("#text-score")).to_have_text(re.compile("good"))
    page.get_by_role("button", name="Take out words").last.click()
    expect(page.locator("#text-erase .verdict")).to_contain_text("mean score", timeout=20_000)
    page.locator("#pair-more summary").click()
    page.locator("#pair").fill("and the <i>act</i> was bad")
    expect(page.locator("#text-words")).to_have_text("The film was <b>good</b> 😀 not bad and the <i>act</i> was bad")
    expect(page.locator("#text-erase")).to_be_hidden()
    pair = ("The film was <b>good</b> 😀 not bad", "and the <i>act</i> was bad")
    expected = whylight.explain_text(text_classifier(), pair, "good").scores[0]
    expect(page.locator("#text-score")).to_have_text(f"good: {100 * expected:.1f} %")


def test_values_of_a_regression_are_no_percentages(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&model=values&p=lamp")
    raw = regression().output(regression().preprocessing(Image.fromarray(draw_scene(SEED, 384).picture))[0][None])
    expect(page.locator(".score").first).to_have_text(f"{float(raw[0, 4].detach()):.3f}")
    expect(page.locator("#top-classes button").first).to_have_text(re.compile(r" -?\d+\.\d{3}$"))
