"""Maps over their picture as a card that pages and notebooks show: prompts as tabs, their words, a slider, layers.

It works without a script of its own, wherever HTML is shown; where styles are taken away, its pictures stand one below
the other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from whylight.models.preprocessing import Frame
from whylight.pictures.overlay import find_colormap
from whylight.pictures.page import escape, inlined, style_of
from whylight.pictures.word_colors import RGB, hexadecimal, ink
from whylight.pictures.word_maps import SIGNED, WordMap, said_without, word_maps
from whylight.pictures.word_shares import WordShares

LONGER_SIDE, MAP_SIDE = 640, 128
"""Pixels of the picture inside a card, and of a map, which the browser enlarges smoothly."""
Heat = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ShownWords:
    """A prompt as a sentence of words that can be chosen.

    Attributes:
        prompt: what the model read.
        words: at their places in it.
        said: a small line below.
    """

    prompt: str
    words: tuple[WordMap, ...]
    said: str

    @classmethod
    def of(cls, shares: WordShares, frame: Frame) -> ShownWords:
        return cls(shares.prompt, tuple(word_maps(shares, frame)), said_without(shares))


@dataclass(frozen=True)
class ShownMap:
    """A map as a card draws it.

    Attributes:
        name: what it is a map of, or by.
        said: a small line below.
        heat: (height, width) of the picture, in [0, 1].
        layers: the same of each layer, where it was asked for by layer.
        words: of the prompt, where it was asked what each adds.
    """

    name: str
    said: str
    heat: Heat
    layers: tuple[Heat, ...] = ()
    words: ShownWords | None = None


def card(picture: Image.Image, maps: Sequence[ShownMap], about: str, *, colormap: str = "inferno") -> str:
    """Maps of one picture, one at a time, each under a tab of its own.

    Raises:
        UnknownName: no such colour map.
    """
    below = _small_picture(picture)
    tabs = [(each.name, each.said, _body(below, each, colormap)) for each in maps]
    layers = max((len(each.layers) for each in maps), default=0)
    return _framed(tabs, _tools(layers), about)


def comparison_card(
    picture: Image.Image, rows: Sequence[tuple[str, str, Sequence[ShownMap]]], about: str, *, colormap: str = "inferno"
) -> str:
    """Methods side by side: a tab for each target (its name, its score, a map of each method)."""
    below = _small_picture(picture, LONGER_SIDE // 2)
    stage = f'<div class="stage"><img alt="the picture" src="{below}"></div>'
    plain = f"<figure>{stage}<figcaption>picture</figcaption></figure>"
    tabs = []
    for name, said, maps in rows:
        cells = (_figure(below, each, colormap) for each in maps)
        tabs.append((name, said, f'<div class="grid">{plain}{"".join(cells)}</div>'))
    return _framed(tabs, _tools(0), about, "whylight-card wide")


def _framed(tabs: Sequence[tuple[str, str, str]], tools: str, about: str, kind: str = "whylight-card") -> str:
    group = f"whylight-{secrets.token_hex(4)}"
    parts = []
    for index, (name, said, body) in enumerate(tabs):
        first = " checked" if index == 0 else ""
        parts.append(
            f'<input type="radio" name="{group}" id="{group}-{index}"{first}>'
            f'<label for="{group}-{index}" title="{escape(said)}">{escape(name)}</label>\n<section>{body}</section>\n'
        )
    return (
        f'<div class="{kind}"><style>{style_of("card.css")}</style>\n<div class="tabs">{"".join(parts)}</div>\n'
        f'{tools}<p class="about">{escape(about)}</p></div>\n'
    )


def _tools(layers: int) -> str:
    """The slider, and a choice of layers where there are some: attributes do what a script would."""
    found = "this.closest('.whylight-card')"
    slider = (
        f'<label>opacity <input type="range" min="0" max="1" step="0.05" value="0.85" '
        f"oninput=\"{found}.style.setProperty('--opacity', this.value)\"></label>"
    )
    if not layers:
        return f'<div class="tools">{slider}</div>\n'
    choose = (
        f"{found}.querySelectorAll('.map').forEach(m => m.classList.toggle('shown', m.dataset.layer === this.value))"
    )
    options = "".join(f'<option value="{index}">layer {index}</option>' for index in range(layers))
    every = '<option value="all">all layers</option>'
    return f'<div class="tools">{slider}<label>of <select oninput="{choose}">{every}{options}</select></label></div>\n'


def _body(below: str, shown: ShownMap, colormap: str) -> str:
    return _figure(below, shown, colormap) if shown.words is None else _sentence(below, shown, shown.words, colormap)


def _sentence(below: str, whole: ShownMap, words: ShownWords, colormap: str) -> str:
    """The prompt's words to choose from, and over one picture the map of the one that is chosen; the whole prompt's
    first."""
    group = f"whylight-{secrets.token_hex(4)}"
    parts, position = [_choice(group, 0, "whole prompt", 'class="all"', whole.said)], 0
    for number, each in enumerate(words.words, start=1):
        place = each.word.word
        parts.append(escape(words.prompt[position : place.start]))
        parts.append(_choice(group, number, each.text, _on_color(each.word.color), each.said))
        position = place.end
    parts.append(escape(words.prompt[position:]))
    drawn = [(whole.name, whole.said, _colored(whole.heat, colormap))]
    drawn += [(each.text, each.said, _colored(each.heat, SIGNED, signed=True)) for each in words.words]
    images = "".join(
        f'<img class="map of-{number}" alt="map: {escape(name)}" src="{source}">'
        for number, (name, _, source) in enumerate(drawn)
    )
    captions = "".join(
        f'<span class="of-{number}">{escape(name)} <small>{escape(said)}</small></span>'
        for number, (name, said, _) in enumerate(drawn)
    )
    chosen = ",".join(f"#{group}-{number}:checked~figure .of-{number}" for number in range(len(drawn)))
    return (
        f"<style>{chosen}{{display:block}}</style>"
        f'<div class="words" role="radiogroup" aria-label="words of the prompt">{"".join(parts)}\n'
        f'<figure><div class="stage"><img class="picture" alt="the picture" src="{below}">{images}'
        f"</div><figcaption>{captions}</figcaption></figure></div>\n"
        f'<p class="about">red adds, blue takes away, each word on its own scale; {escape(words.said)}</p>\n'
    )


def _choice(group: str, number: int, text: str, look: str, said: str) -> str:
    """A word as what can be chosen, by a tap or by the keyboard."""
    first = " checked" if number == 0 else ""
    return (
        f'<input type="radio" name="{group}" id="{group}-{number}"{first}>'
        f'<label for="{group}-{number}" title="{escape(said)}" {look}>{escape(text)}</label>'
    )


def _on_color(color: RGB | None) -> str:
    return "" if color is None else f'style="background:{hexadecimal(color)};color:{hexadecimal(ink(color))}"'


def _figure(below: str, shown: ShownMap, colormap: str) -> str:
    """The picture and the map's colours over it, those of its layers hidden, and its name."""
    drawn = [("all", "map", shown.heat), *((str(i), f"map of layer {i}", heat) for i, heat in enumerate(shown.layers))]
    images = "".join(
        f'<img class="{"map shown" if layer == "all" else "map"}" data-layer="{layer}" '
        f'alt="{what}: {escape(shown.name)}" src="{_colored(heat, colormap)}">'
        for layer, what, heat in drawn
    )
    caption = f"<figcaption>{escape(shown.name)} <small>{escape(shown.said)}</small></figcaption>"
    stage = f'<div class="stage"><img class="picture" alt="the picture" src="{below}">{images}</div>'
    return f"<figure>{stage}{caption}</figure>\n"


def _colored(heat: Heat, colormap: str, *, signed: bool = False) -> str:
    """A map in its colours, covering what lies below the more the greater the relevance, of either sign."""
    small = Image.fromarray(heat)
    ratio = min(1.0, MAP_SIDE / max(small.size))
    size = max(1, round(small.width * ratio)), max(1, round(small.height * ratio))
    values = np.asarray(small.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)
    values = np.clip(values, -1 if signed else 0, 1)
    colors = find_colormap(colormap)(0.5 + values / 2 if signed else values, bytes=True)
    colors[..., 3] = np.rint(255 * np.abs(values))
    return inlined(Image.fromarray(colors), "PNG")


def _small_picture(picture: Image.Image, longer: int = LONGER_SIDE) -> str:
    small = picture.copy()
    small.thumbnail((longer, longer))
    return inlined(small)
