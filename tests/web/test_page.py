"""The page in a real browser: what people do with it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

import whylight
from whylight.scenes import draw_scene

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import HEART, RING, SEED, answered, brightest, canvas, mask_of, open_page, settle, tab


def test_typing_changes_the_answer_and_the_map_lies_on_the_named_object(page: Any, address: str) -> None:
    open_page(page, address)
    first = page.locator(".score").first.text_content()
    assert mask_of(RING, 640)[brightest(page)]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "explain" in request.url else None)
    page.get_by_label("Prompt 1", exact=True).press_sequentially("x", delay=5)
    page.get_by_label("Prompt 1", exact=True).fill(HEART)
    expect(page.locator(".score").first).not_to_have_text(str(first))
    answered(page)
    settle(page)
    assert mask_of(HEART, 640)[brightest(page)]
    before = len(asked)
    page.get_by_label("Prompt 1", exact=True).fill(RING)
    expect(page.locator(".score").first).to_have_text(str(first))
    assert len(asked) == before, "what was asked is not asked twice"


def test_scores_and_map_are_those_of_explain(page: Any, address: str) -> None:
    open_page(page, address)
    expected = whylight.explain("scenes", draw_scene(SEED, 384).picture, RING)
    assert page.locator(".score").first.text_content() == f"{expected.scores[0]:.3f}"
    brightest(page)
    shown = np.asarray(Image.fromarray(canvas(page)).resize((384, 384), Image.Resampling.BOX))[..., 0] / 255
    assert np.abs(shown - expected.maps[0].numpy()).mean() < 0.01


def test_unknown_words_are_marked(page: Any, address: str) -> None:
    open_page(page, address)
    page.get_by_label("Prompt 1", exact=True).fill("a red zebra")
    expect(page.locator(".unknown").first).to_have_text("not known to this model: zebra")


def test_a_pasted_address_gives_the_same_view(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&p=a+plain+red+ring&p=a+dotted+blue+heart")
    page.get_by_role("radio", name="Side by side").check()
    page.locator("#colormap").select_option("viridis")
    page.locator("#method").select_option("chefercam")
    page.get_by_role("button", name="Show the map of prompt 2").click()
    answered(page, 1)
    expect(page).to_have_url(re.compile("view=side.*chosen=1.*colormap=viridis"))
    settle(page)
    expect(page.locator("#cells figcaption").nth(1)).to_have_text(HEART)
    shown, url = canvas(page, "#cells figure:nth-child(2) canvas"), page.url
    page.goto("about:blank")
    page.goto(url)
    answered(page, 1)
    expect(page.locator("#cells figcaption").nth(1)).to_have_text(HEART)
    settle(page)
    assert np.array_equal(canvas(page, "#cells figure:nth-child(2) canvas"), shown)


def test_keyboard_only(page: Any, address: str) -> None:
    open_page(page, address)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Prompt 1":
            break
    expect(page.get_by_label("Prompt 1", exact=True)).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(HEART)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Prompt 2", exact=True)).to_be_focused()
    page.keyboard.type("a striped yellow star")
    answered(page, 1)
    expect(page.locator("#live")).to_have_text(re.compile("Answered.*a striped yellow star"))
    page.locator("#tab-words").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-patches")).to_be_focused()
    expect(page.locator("#panel-patches")).to_be_visible()


def test_a_phone(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    page = context.new_page()
    open_page(page, address)
    for name in ("Patches and heads", "Methods", "Is it true?", "Take it along", "Words"):
        tab(page, name)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(19, 18, 22)"
    context.close()


def test_two_clients_at_once(browser: Any, address: str) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    pages = [context.new_page() for context in contexts]
    for page, prompt in zip(pages, (RING, HEART), strict=True):
        page.goto(f"{address}/#scene={SEED}&p={prompt.replace(' ', '+')}")
    picture = draw_scene(SEED, 384).picture
    for page, prompt in zip(pages, (RING, HEART), strict=True):
        answered(page)
        assert (
            page.locator(".score").first.text_content()
            == f"{whylight.explain('scenes', picture, prompt).scores[0]:.3f}"
        )
    for context in contexts:
        context.close()
