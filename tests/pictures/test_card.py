"""Cards and pages: every map inside, nothing from elsewhere, and nothing of what others wrote is markup."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures_of import explanation
from PIL import Image
from small_views import dual_encoder

import whylight
from whylight.errors import UnknownName
from whylight.pictures.card import LONGER_SIDE, MAP_SIDE
from whylight.pictures.comparison import comparison_html
from whylight.pictures.overlay import find_colormap
from whylight.pictures.word_colors import colors, hexadecimal
from whylight.scenes import draw_scene

HOSTILE = '<img src=x onerror="alert(1)">"\'&\u202e\x1b[31m'


class Tags(HTMLParser):
    """Tags of a page in order, each with its attributes; and all its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def picture_of(source: str | None) -> Image.Image:
    head, _, data = (source or "").partition(";base64,")
    assert head.startswith("data:image/")
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("size", [(60, 40), (1200, 300)])
def test_a_card_holds_each_map_in_its_colours_over_the_picture(size: tuple[int, int]) -> None:
    shown = explanation(["a cat", "a dog"], size)
    tags = Tags(shown.card())
    assert len([each for each in tags.of("input") if each["type"] == "radio"]) == len(tags.of("section")) == 2
    assert len([each for each in tags.of("input") if "checked" in each]) == 1
    images = tags.of("img")
    assert [each["alt"] for each in images] == ["the picture", "map: a cat", "the picture", "map: a dog"]
    for heat, image in zip(shown.reduced(LONGER_SIDE).maps.numpy(), images[1::2], strict=True):
        drawn = np.asarray(picture_of(image["src"]))
        assert max(drawn.shape[:2]) <= MAP_SIDE
        small = np.asarray(Image.fromarray(heat).resize(drawn.shape[1::-1], Image.Resampling.BILINEAR))
        np.testing.assert_allclose(drawn[..., 3], 255 * small, atol=1)
        np.testing.assert_array_equal(drawn[..., :3], find_colormap("inferno")(small, bytes=True)[..., :3])
    assert "cosine 0.250" in tags.text


def test_two_cards_of_one_page_do_not_share_their_tabs() -> None:
    names = {Tags(explanation(["a"]).card()).of("input")[0]["name"] for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize("make", ["html", "card", "comparison"])
def test_pages_need_nothing_from_elsewhere_and_escape_all_names(make: str) -> None:
    shown = explanation([HOSTILE, "b"], method=HOSTILE)
    page = comparison_html([shown, shown]) if make == "comparison" else getattr(shown, make)()
    tags = Tags(page)
    assert not {"script", "link", "iframe", "a"} & {name for name, _ in tags.found}
    assert not re.search(r"https?:|@import|url\(", page)
    assert all((image["src"] or "").startswith("data:image/") for image in tags.of("img"))
    assert not any("onerror" in attributes for _, attributes in tags.found)
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert '<img src=x onerror="alert(1)">' in tags.text, "it is read as it is written"
    assert all(image["alt"] for image in tags.of("img"))


def test_layers_that_were_asked_for_are_in_the_card() -> None:
    session = dual_encoder().record(draw_scene(10**9 + 3, 48).picture)
    whole, layers = session.explain_by_layer(["a red star", "a blue ring"])
    tags = Tags(whole.card())
    assert [each["value"] for each in tags.of("option")] == ["all", "0", "1"]
    shown = [each for each in tags.of("img") if each.get("data-layer") == "1"]
    assert len(shown) == layers.shape[0] == 2
    assert not any("shown" in (each["class"] or "").split() for each in shown)
    assert len({each["src"] for each in tags.of("img") if each.get("data-layer")}) == 6
    assert not Tags(session.explain("a red star").card()).of("option")


def test_words_are_a_sentence_to_choose_from_over_one_picture() -> None:
    shown = whylight.explain(dual_encoder(), draw_scene(10**9 + 3, 48).picture, ["(a red star) , a ring"], words=True)
    (shares,) = shown.words
    card = shown.card()
    tags = Tags(card)
    first, *choices = (each for each in tags.of("input") if each["type"] == "radio")
    assert "checked" in first, "the tab of the only prompt"
    assert len({each["name"] for each in choices}) == 1
    assert [("checked" in each) for each in choices] == [True, False, False, False]
    labels = [each for each in tags.of("label") if each.get("for") in {each["id"] for each in choices}]
    parts = [f"{part:+.3f} · " for part in shares.scores]
    assert [each["title"].partition("· ")[0] + "· " for each in labels[1:]] == parts  # type: ignore[union-attr]
    strongest = max(range(3), key=lambda number: abs(shares.scores[number]))
    background = hexadecimal(colors(torch.tensor(shares.scores))[strongest] or (0, 0, 0))
    assert f"background:{background};" in (labels[1 + strongest]["style"] or "")
    assert "a red star , a ring" in " ".join(tags.text.split())
    images = tags.of("img")
    assert [each["alt"] for each in images] == ["the picture", *(f"map: {name}" for name in (shown.targets[0], *WORDS))]
    heat = shares.relevance[2].float() / shares.relevance[2].abs().max()
    drawn = np.asarray(picture_of(images[4]["src"]))
    across = drawn.reshape(4, 12, 4, 12, 4)[:, 5:7, :, 5:7].mean((1, 3))
    np.testing.assert_allclose(across[..., 3], 255 * heat.abs(), atol=30)
    adds, takes = heat > 0.3, heat < -0.3
    assert (across[adds][:, 0] > across[adds][:, 2]).all()
    assert (across[takes][:, 0] < across[takes][:, 2]).all()
    for number in range(4):
        assert f"#{choices[number]['id']}:checked~figure .of-{number}" in card


WORDS = ("a red star ,", "a", "ring")


def test_notebooks_get_the_card_and_a_picture() -> None:
    shown = explanation(["a"])
    assert shown._repr_html_().startswith('<div class="whylight-card"')
    assert shown._repr_png_().startswith(b"\x89PNG")


def test_a_saved_page_is_whole(tmp_path: Path) -> None:
    page = explanation(["a", "b"]).save(tmp_path / "new" / "why.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    tags = Tags(page)
    assert tags.of("meta")[0]["charset"] == "utf-8"
    assert "a, b" in tags.text
    for word in ("prefers-color-scheme: dark", "@media print", "width=device-width"):
        assert word in page


def test_colour_maps_are_checked() -> None:
    with pytest.raises(UnknownName, match="inferno"):
        explanation(["a"]).html(colormap="infernal")
