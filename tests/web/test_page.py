"""The page in a real browser: what people do with it."""

from __future__ import annotations

import json
import re
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_views import regression

import whylight
from whylight.scenes import EXAMPLE_SEEDS, draw_scene
from whylight.web import app

pytest.importorskip("playwright")
from playwright.sync_api import expect

from web.conftest import Serving
from web.seen import HEART, RING, SEED, answered, canvas, mask_of, open_page, settle, tab


def brightest(page: Any) -> tuple[int, int]:
    page.get_by_role("radio", name="Map alone").check()
    page.locator("#colormap").select_option("gray")
    settle(page)
    shown = canvas(page)[..., 0]
    return np.unravel_index(shown.argmax(), shown.shape)  # type: ignore[return-value]


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
    expect(page.locator("#layers-out")).to_have_text("2 alone")
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


def test_values_of_a_regression_are_no_percentages(page: Any, address: str) -> None:
    open_page(page, address, f"scene={SEED}&model=values&p=lamp")
    raw = regression().output(regression().preprocessing(Image.fromarray(draw_scene(SEED, 384).picture))[0][None])
    expect(page.locator(".score").first).to_have_text(f"{float(raw[0, 4].detach()):.3f}")
    expect(page.locator("#top-classes button").first).to_have_text(re.compile(r" -?\d+\.\d{3}$"))


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
