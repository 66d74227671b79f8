"""axe-core, fetched from npm as the tests run, finds no serious fault; light and dark, desk and phone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.seen import more
from whylight.scenes import EXAMPLE_SEEDS


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt-get install npm")
    folder: Path = tmp_path_factory.mktemp("axe")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not bring axe-core in time")
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if done.returncode or not script.exists():
        pytest.skip(f"npm could not bring axe-core: {done.stderr.strip()[:200]}")
    return script.read_text(encoding="utf-8")


@pytest.fixture
def page(browser: Any, axe: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    context.add_init_script(axe)
    yield context.new_page()
    context.close()


def check(page: Any, what: str) -> None:
    """At desk and phone width, light and dark; nothing is wider than the screen."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, (what, width)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("() => axe.run()")
            serious = [
                (each["id"], [node["html"][:120] for node in each["nodes"]][:3])
                for each in found["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            assert not serious, (what, width, scheme, serious)


def test_no_serious_fault(page: Any, address: str) -> None:
    page.goto(f"{address}/#scene={EXAMPLE_SEEDS[0]}&p=a+plain+red+ring&p=a+red+zebra")
    expect(page.locator("#prompt-words .word").first).to_be_visible(timeout=20_000)
    tabs = ["Words", "Patches and heads", "Methods", "Is it true?", "Take it along"]
    for name in tabs:
        page.get_by_role("tab", name=name).click()
        if name == "Is it true?":
            page.get_by_role("button", name="Erase patches").click()
            expect(page.locator("#panel-erase polyline.score").first).to_be_attached(timeout=20_000)
        check(page, name)


def test_no_serious_fault_of_what_more_is_asked(page: Any, address: str, tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 4095, 64 * 64).reshape(64, 64).astype(np.uint16)).save(tmp_path / "deep.png")
    page.goto(f"{address}/#scene={EXAMPLE_SEEDS[0]}&p=a+plain+red+ring&words=adds")
    expect(page.locator("#without-cells canvas").nth(1)).to_be_visible(timeout=20_000)
    more(page)
    page.locator("#rather-than").fill("a star")
    expect(page.locator("#cells figcaption")).to_contain_text("rather than a star")
    check(page, "a difference")
    page.locator("#rather-than").fill("")
    expect(page.locator("#prompt-words button")).to_have_count(4)
    check(page, "what words add")
    page.locator("#like-scene").click()
    expect(page.locator("#like-canvas")).to_be_visible()
    page.locator("#like-canvas").press("ArrowUp")
    expect(page.locator("#cells figcaption")).to_contain_text(", patch 7, 7")
    page.locator("#file").set_input_files(tmp_path / "deep.png")
    expect(page.locator("#range-form")).to_be_visible()
    check(page, "likeness, and a range")


def test_no_serious_fault_of_answers(page: Any, address: str) -> None:
    page.goto(f"{address}/#model=scenes-answers&scene={EXAMPLE_SEEDS[0]}&q=describe+the+picture&word=1")
    expect(page.locator("#every-word canvas").first).to_be_visible(timeout=40_000)
    expect(page.locator("#said button.pale").first).to_be_visible()
    check(page, "an answer")
    page.locator("#question").fill("describe the zebra")
    page.locator("#question").press("Enter")
    expect(page.locator("#question-unknown")).to_contain_text("zebra")
    page.locator("#rather").fill("zebra")
    expect(page.get_by_role("alert")).to_be_visible()
    check(page, "a fault")


def test_no_serious_fault_of_texts(page: Any, address: str) -> None:
    page.goto(f"{address}/#model=words")
    page.locator("#text").fill("the film was not good but the act was")
    expect(page.locator("#text-words .word").first).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Take out words").last.click()
    expect(page.locator("#text-erase .verdict")).to_contain_text("mean score", timeout=20_000)
    page.locator("#pair-more summary").click()
    page.locator("#pair").fill("a bad one")
    expect(page.locator("#text-words")).to_contain_text("a bad one")
    check(page, "texts")
