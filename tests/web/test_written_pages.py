"""Pages that are written to files, in a browser: from a file address, with nothing asked of anywhere else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from pictures_of import explanation

import whylight
from whylight.pictures.comparison import comparison_html
from whylight.pictures.page import page as written
from whylight.scenes import EXAMPLE_SEEDS, draw_scene


@pytest.fixture
def opened(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of explained targets with layers, and a comparison below; it must end without an error or a request."""
    shown = explanation(["a cat", "a dog"])
    shown = dataclasses.replace(shown, layers=torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(1)))
    file = tmp_path / "page.html"
    file.write_text(written("t", shown.card() + comparison_html([shown] * 9)), encoding="utf-8")
    width, scheme = getattr(request, "param", (1280, "light"))
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    tab.goto(file.as_uri())
    yield tab
    tab.close()
    assert said == []


def shown_maps(tab: Any) -> list[str]:
    """What the maps say of themselves that can be seen in the first card."""
    images = tab.locator(".whylight-card").first.locator(".map")
    return [image.get_attribute("alt") for image in images.all() if image.is_visible()]


def test_prompts_are_tabs_and_layers_are_chosen(opened: Any) -> None:
    assert shown_maps(opened) == ["map: a cat"]
    opened.locator("label", has_text="a dog").first.click()
    assert shown_maps(opened) == ["map: a dog"]
    opened.locator("select").select_option("1")
    assert shown_maps(opened) == ["map of layer 1: a dog"]
    opened.locator("input[type=radio]").nth(1).press("ArrowLeft")
    assert shown_maps(opened) == ["map of layer 1: a cat"]


def test_the_slider_fades_the_map(opened: Any) -> None:
    image = opened.locator(".map.shown").first
    assert image.evaluate("e => getComputedStyle(e).opacity") == "0.85"
    opened.locator("input[type=range]").first.fill("0.25")
    assert image.evaluate("e => getComputedStyle(e).opacity") == "0.25"


@pytest.mark.parametrize("opened", [(390, "light"), (390, "dark"), (1280, "dark")], indirect=True, ids=str)
def test_it_fits_a_phone_and_reads_in_the_dark(opened: Any) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, paper = opened.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    dark = opened.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    brightness = [sum(int(part) for part in color[4:-1].split(",")[:3]) for color in (ink, paper)]
    assert (brightness[0] > 600 and brightness[1] < 150) if dark else (brightness[0] < 150 and brightness[1] > 600)


def test_paper_shows_every_prompt(opened: Any) -> None:
    opened.emulate_media(media="print")
    assert shown_maps(opened) == ["map: a cat", "map: a dog"]


def test_words_are_tapped_and_walked_to(browser: Any, tmp_path: Path) -> None:
    scene = draw_scene(EXAMPLE_SEEDS[0], 384).picture
    shown = whylight.explain("scenes", scene, ["a plain red ring", "a blue heart"], words=True)
    tab = browser.new_page(viewport={"width": 390, "height": 800})
    tab.goto(shown.save(tmp_path / "words.html").as_uri())
    assert shown_maps(tab) == ["map: a plain red ring"]
    tab.locator(".words label", has_text="red").first.click()
    assert shown_maps(tab) == ["map: red"]
    assert tab.locator("figcaption .of-3").first.inner_text().split()[:2] == ["red", f"{shown.words[0].scores[2]:+.3f}"]
    tab.keyboard.press("ArrowRight")
    assert shown_maps(tab) == ["map: ring"]
    tab.locator(".tabs > label", has_text="a blue heart").click()
    assert shown_maps(tab) == ["map: a blue heart"]
    assert tab.locator(".words label").all_inner_texts()[5:] == ["whole prompt", "a", "blue", "heart"]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.close()
