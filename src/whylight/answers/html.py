"""An answer as a page of its own: hover, tap or walk to a word, and see where it comes from."""

from __future__ import annotations

import json
from importlib import resources

from PIL import Image
from torch import Tensor

from whylight.answers.shown import ShownAnswer
from whylight.pictures.overlay import overlay
from whylight.pictures.page import escape, inlined
from whylight.pictures.page import page as whole_page
from whylight.pictures.word_colors import colors, hexadecimal, ink


def page(answer: ShownAnswer) -> str:
    """One self-contained page without links."""
    return whole_page(answer.question, card(answer))


def card(answer: ShownAnswer) -> str:
    """The same to stand inside another page, as in a notebook."""
    style, script = (resources.files("whylight.answers").joinpath(f"card.{end}").read_text() for end in ("css", "js"))
    pictures = "".join(
        f'<img class="shown" alt="picture {number + 1}" src="{inlined(picture)}">'
        for number, picture in enumerate(answer.pictures)
    )
    about = f"{answer.about}; pale words follow from the text"
    rather = f" <small>rather than {escape(answer.rather_than)}</small>" if answer.rather_than else ""
    return (
        f'<div class="whylight-answer"><style>{style}</style>\n'
        f'<p class="context">{_context(answer)}</p>\n'
        f'<p class="said" role="toolbar" aria-label="words of the answer">{_words(answer)}{rather}</p>\n'
        f'<div class="pictures">{pictures}</div>\n'
        f'<p class="told" aria-live="polite"></p><p class="about">{escape(about)}</p>\n'
        f'<script type="application/json">{_data(answer)}</script><script>{script}</script></div>'
    )


def _context(answer: ShownAnswer) -> str:
    """What the model had read: the prompt's words, and the answer's."""
    return " ".join(f"<span>{escape(word)}</span>" for word in answer.context)


def _words(answer: ShownAnswer) -> str:
    return " ".join(
        f'<button type="button" class="{"pale" if each.follows else "word"}" tabindex="{0 if i == 0 else -1}">'
        f"{escape(each.word)}</button>"
        for i, each in enumerate(answer.words)
    )


def _data(answer: ShownAnswer) -> str:
    """For each word its maps, the colours of the context and what is said of it."""
    words = []
    for each in answer.words:
        shades = colors(each.text_relevance)
        words.append(
            {
                "maps": [_map(picture, heat) for picture, heat in zip(answer.pictures, each.maps, strict=True)],
                "colors": [
                    None if shade is None else (hexadecimal(shade), hexadecimal(ink(shade))) for shade in shades
                ],
                "told": f"{each.word}: {each.told}",
            }
        )
    return json.dumps(words).replace("<", "\\u003c")


def _map(picture: Image.Image, heat: Tensor) -> str:
    return inlined(overlay(picture, heat.numpy()))
