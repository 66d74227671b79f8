"""The tab Ask in a real browser: a question, its answer word by word, and where each word comes from."""

from __future__ import annotations

import json
import re
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from zoo.answering_models import TEXT, tokenizer

import whylight
from whylight.answers import forcing
from whylight.scenes import EXAMPLE_SEEDS, draw_scene
from whylight.web import app

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.conftest import Serving
from web.seen import RING, SEED, canvas, mask_of, settle

QUESTION = "What colour is the ring?"
LONG = "Describe the picture."
CELLS = "#answer-cells canvas"


def open_ask(page: Any, address: str, question: str = QUESTION, more: str = "") -> None:
    page.goto("about:blank")
    page.goto(f"{address}/#model=scenes-answers&scene={SEED}&q={question.replace(' ', '+')}{more}")
    answered(page)


def answered(page: Any) -> None:
    expect(page.locator("#said button").first).to_be_visible(timeout=40_000)
    expect(page.locator("#said")).to_have_attribute("aria-busy", "false")
    settle(page)


def test_the_answer_comes_and_its_map_lies_on_the_ring(page: Any, address: str) -> None:
    page.goto(f"{address}/#scene={SEED}")
    page.get_by_role("navigation").get_by_role("button", name="Ask").click()
    answered(page)  # the first question of those that are suggested
    page.get_by_role("textbox", name="Question").fill(QUESTION)
    page.locator("#ask-now").click()
    answered(page)
    expect(page.locator("#said")).to_have_text("red")
    expected = whylight.ask("scenes-answers", draw_scene(SEED, 384).picture, QUESTION)
    told = f"p {float(expected.probabilities[0]):.2f} · {float(expected.picture_share[0]):.0%}".replace("%", " %")
    expect(page.locator("#told")).to_contain_text(told)
    gained = float(expected.from_picture[0])
    expect(page.locator("#told")).to_contain_text(f"log p +{gained:.2f} by seeing it")
    shown = canvas(page, CELLS)
    page.locator("#alpha").fill("1")
    page.locator("#colormap").select_option("gray")
    settle(page)
    gray = canvas(page, CELLS).astype(int)
    page.locator("#colormap").select_option("inferno")
    settle(page)
    heat = canvas(page, CELLS).astype(int)
    white, yellow = np.abs(gray - 255).sum(-1), np.abs(heat - (252, 255, 164)).sum(-1)
    at = np.unravel_index((white + yellow).argmin(), white.shape)
    assert mask_of(RING, 640)[at]
    assert not np.array_equal(shown, heat)
    expect(page.locator(CELLS)).to_have_attribute(
        "aria-label", re.compile("Map of “red” by keyflow: most relevant at the")
    )


def test_a_question_that_is_suggested_late_is_asked_all_the_same(page: Any, address: str) -> None:
    held: list[Any] = []
    # what the scene shows, of which questions are made
    page.route(f"**/api/scenes/{SEED}", lambda route: held.append(route))
    with page.expect_request(f"**/api/scenes/{SEED}", timeout=40_000):  # else there may be nothing yet to let go on
        page.goto(f"{address}/#scene={SEED}")
        page.get_by_role("navigation").get_by_role("button", name="Ask").click()
    expect(page.locator("#model")).to_have_value("scenes-answers", timeout=40_000)
    expect(page.locator("#loading")).to_be_hidden()
    expect(page.locator("#question-suggestions button")).to_have_count(0)
    assert held
    for route in held:
        route.continue_()
    answered(page)
    assert page.get_by_role("textbox", name="Question").input_value().strip()


def test_the_model_that_was_asked_for_last_is_shown(page: Any, address: str) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        first = (route.request.post_data_json or {}).get("name") == "scenes"
        held.append(route) if first else route.continue_()

    page.route("**/api/models", hold)
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/api/models")):
        page.goto(f"{address}/#scene={SEED}")
    page.get_by_role("navigation").get_by_role("button", name="Ask").click()
    answered(page)
    (late,) = held
    with page.expect_response(lambda response: response.request == late.request):
        late.continue_()
    page.wait_for_timeout(300)
    assert "model=scenes-answers" in page.url
    expect(page.locator("#model")).to_have_value("scenes-answers")
    expect(page.locator("#said button").first).to_be_visible()


def test_the_question_is_coloured_by_what_the_word_owes_to_it(page: Any, address: str) -> None:
    open_ask(page, address)
    expected = whylight.ask("scenes-answers", draw_scene(SEED, 384).picture, QUESTION)
    read = page.locator("#read .word")
    expect(read).to_have_text(list(expected.context[: expected.asked]))
    relevance = expected.text_relevance[0, : expected.asked].nan_to_num()
    shares = [float(each.evaluate("word => word.style.getPropertyValue('--share')")) for each in read.all()]
    assert int(np.argmax(shares)) == int(relevance.abs().argmax())
    assert max(shares) == 1


def test_words_come_one_by_one_and_can_be_stopped(page: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ask(page, address)
    own, said = forcing.text_so_far, []

    def slowly(*given: Any) -> str:
        said.append(1)
        time.sleep(0.25)
        return own(*given)

    whole = whylight.ask("scenes-answers", draw_scene(SEED, 384).picture, LONG)
    monkeypatch.setattr(forcing, "text_so_far", slowly)
    page.get_by_role("textbox", name="Question").fill(LONG)
    page.get_by_role("textbox", name="Question").press("Enter")
    stop = page.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(page.locator("#said")).to_have_text(re.compile(r"^\w+ \w+"))
    begun = page.locator("#said").text_content()
    assert whole.text.startswith(begun)
    assert begun != whole.text
    stop.click()
    expect(stop).to_be_hidden()
    time.sleep(0.6)
    count = len(said)
    time.sleep(0.6)
    assert len(said) == count < len(whole.words), "the model has stopped as well"
    monkeypatch.undo()
    page.locator("#ask-now").click()
    answered(page)
    expect(page.locator("#said")).to_have_text(whole.text)
    assert page.locator("#every-word canvas").count() == sum(word.isalpha() for word in whole.words)


def test_a_word_under_the_pointer_shows_its_map(page: Any, address: str) -> None:
    open_ask(page, address, LONG)
    words = page.locator("#said button")
    first = canvas(page, CELLS)
    words.nth(3).hover()
    expect(page.locator("#told")).to_contain_text(f"{words.nth(3).text_content()}: p ")
    settle(page)
    assert not np.array_equal(canvas(page, CELLS), first)
    page.mouse.move(5, 5)
    settle(page)
    assert np.array_equal(canvas(page, CELLS), first), "the chosen word is back"
    expected = whylight.ask("scenes-answers", draw_scene(SEED, 384).picture, LONG)
    pale = page.locator("#said button.pale")
    assert pale.count() == sum(expected.follows(i) for i in range(len(expected.words)))
    assert pale.count() > 0
    pale.first.click()
    expect(page.locator("#told")).to_contain_text("follows from the text")


def test_rather_than(page: Any, address: str) -> None:
    open_ask(page, address)
    before = canvas(page, CELLS)
    page.get_by_role("textbox", name="Rather than").fill("blue")
    expect(page.locator("#told")).to_contain_text("red, rather than blue")
    settle(page)
    assert not np.array_equal(canvas(page, CELLS), before)
    code = page.locator("#answer-take code").first
    expect(code).to_contain_text('rather_than="blue"')
    page.get_by_role("textbox", name="Rather than").fill("red")
    expect(page.get_by_role("alert")).to_contain_text("begin with the same tokens")
    page.get_by_role("textbox", name="Rather than").fill("")
    expect(page.locator("#told")).to_contain_text("red: p ")
    settle(page)
    assert np.array_equal(canvas(page, CELLS), before)


def test_what_was_just_typed_is_not_lost_by_choosing_a_word(page: Any, address: str) -> None:
    open_ask(page, address, LONG)
    rather = page.get_by_role("textbox", name="Rather than")
    rather.fill("green")
    page.locator("#said button").nth(2).click()  # before the pause is over
    expect(page.locator("#said button").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(rather).to_have_value("green")
    expect(page.locator("#told")).to_contain_text("rather than green")


def test_an_answer_that_is_given(page: Any, address: str) -> None:
    open_ask(page, address)
    page.get_by_label("Explain this answer").fill("blue")
    page.get_by_label("Explain this answer").press("Enter")
    expect(page.locator("#said")).to_have_text("blue")
    expected = whylight.ask("scenes-answers", draw_scene(SEED, 384).picture, QUESTION, answer="blue")
    expect(page.locator("#told")).to_contain_text(f"p {float(expected.probabilities[0]):.2f}")
    expect(page.locator("#answer-take code").nth(1)).to_contain_text("--answer blue")
    page.get_by_label("Explain this answer").fill("mauve")
    page.get_by_label("Explain this answer").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("no words for the answer 'mauve'")
    page.get_by_role("textbox", name="Question").fill("What colour is the zebra?")
    page.get_by_label("Explain this answer").fill("")
    page.get_by_role("textbox", name="Question").press("Enter")
    expect(page.locator("#question-unknown")).to_have_text("not known to this model: zebra")


def test_keyboard_only(page: Any, address: str) -> None:
    open_ask(page, address)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("what texture has the ring")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("plain")
    expect(page.locator("#live")).to_have_text(re.compile("Answer: plain"))
    page.keyboard.press("Control+A")
    page.keyboard.type(LONG)
    page.keyboard.press("Enter")
    expect(page.locator("#said button").nth(3)).to_be_visible()
    answered(page)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.closest('#said') !== null"):
            break
    words = page.locator("#said button")
    expect(words.first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(words.nth(2)).to_be_focused()
    expect(page.locator("#told")).to_contain_text(f"{words.nth(2).text_content()}: p ")
    page.keyboard.press("End")
    expect(words.last).to_be_focused()


def test_a_pasted_address_gives_the_same_view(page: Any, address: str) -> None:
    open_ask(page, address, LONG)
    page.locator("#answer-method").select_option("chefercam")
    answered(page)
    page.locator("#said button").nth(2).click()
    page.get_by_role("textbox", name="Rather than").fill("striped")
    expect(page.locator("#told")).to_contain_text("rather than striped")
    expect(page).to_have_url(re.compile("q=Describe.*rather=striped.*by=chefercam.*word=2"))
    settle(page)
    shown, url = canvas(page, CELLS), page.url
    page.goto("about:blank")
    page.goto(url)
    answered(page)
    expect(page.locator("#told")).to_contain_text("rather than striped")
    settle(page)
    assert np.array_equal(canvas(page, CELLS), shown)


def test_take_it_along(page: Any, address: str, tmp_path: Path) -> None:
    open_ask(page, address)
    files = {}
    for form in ("png", "html", "json"):
        with page.expect_download() as download:
            page.locator(f"#save-answer-{form}").click()
        files[form] = tmp_path / f"saved.{form}"
        download.value.save_as(files[form])
    assert Image.open(files["png"]).width > 500
    saved = json.loads(files["json"].read_text())
    assert (saved["answer"], saved["free"]) == ("red", True)
    kept = page.context.new_page()
    kept.goto(files["html"].as_uri())
    expect(kept.get_by_role("button", name="red")).to_be_visible()
    kept.close()
    scope: dict[str, Any] = {}
    exec(page.locator("#answer-take code").first.text_content().rpartition("\n")[0], scope)
    assert scope["answer"].text == "red"
    command = shlex.split(page.locator("#answer-take code").nth(1).text_content())
    assert command[-7:] == ["ask", "scene.png", QUESTION, "--model", "scenes-answers", "--method", "keyflow"]


def test_a_picture_of_ones_own_and_another_scene(page: Any, address: str, tmp_path: Path) -> None:
    open_ask(page, address)
    file = tmp_path / "mine.png"
    Image.fromarray(draw_scene(EXAMPLE_SEEDS[1], 300).picture).save(file)
    page.locator("#file").set_input_files(file)
    expect(page.locator("#answer-take code").first).to_contain_text('"mine.png"')
    answered(page)
    expected = whylight.ask("scenes-answers", str(file), QUESTION)
    expect(page.locator("#said")).to_have_text(expected.text)
    page.locator("#gallery button").nth(2).click()
    expect(page.get_by_role("textbox", name="Question")).not_to_have_value(QUESTION)
    answered(page)
    question = page.get_by_role("textbox", name="Question").input_value()
    expected = whylight.ask("scenes-answers", draw_scene(EXAMPLE_SEEDS[2], 384).picture, question)
    expect(page.locator("#said")).to_have_text(expected.text)


def test_a_phone(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, color_scheme="dark")
    page = context.new_page()
    open_ask(page, address, LONG)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.locator("#said button").nth(1).tap()
    expect(page.locator("#said button").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#told")).to_contain_text(f"{page.locator('#said button').nth(1).text_content()}: p ")
    context.close()


def test_a_model_without_eyes(browser: Any) -> None:
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**TEXT)).eval()
    view = whylight.wrap(model, processor=tokenizer(), name="reader")
    serving = Serving(app(view))
    page = browser.new_page()
    page.goto(f"{serving.address}/#q=what+colour+is+the+circle+?&answer=red+circle&word=1")
    expect(page.locator("#said button")).to_have_text(["red", "circle"], timeout=40_000)
    for part in ("#drop", "#answer-cells", "#every-word", "#save-answer-png"):
        expect(page.locator(part)).to_be_hidden()
    expected = whylight.ask(view, None, "what colour is the circle ?", answer="red circle")
    expect(page.locator("#told")).to_have_text(f"circle: p {float(expected.probabilities[1]):.2f}")
    expect(page.locator("#read .word")).to_have_text(list(expected.context[:-1]))
    expect(page.locator("#answer-take code").nth(1)).to_contain_text("whylight ask - ")
    page.close()
    serving.stop()
