"""Coloured texts as a self-contained page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escaped

from whylight.errors import visible
from whylight.pictures.word_colors import RGB, ColoredText, ink

_STYLE = """
body { font: 16px/1.9 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: #1a1a1a; background: #fff; }
.text { white-space: pre-wrap; }
.text + .text { border-top: 1px dashed #bbb; margin-top: 0.4rem; padding-top: 0.4rem; }
.text span { border-radius: 3px; padding: 1px 2px; }
.unread { color: #767676; }
.about, .note { font-size: 0.85rem; color: #555; }
.note { color: #8a4b00; }
"""


def page(title: str, texts: Sequence[ColoredText], about: str, note: str | None = None) -> str:
    """A whole page without scripts or links; see :func:`body`."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>{body(texts, about, note)}</body></html>\n"
    )


def body(texts: Sequence[ColoredText], about: str, note: str | None = None) -> str:
    """The coloured text once per target, and below them a note and what it all came from."""
    parts = []
    for text in texts:
        shown = "\n".join(_sentence(text, start, end) for start, end in text.sentences)
        parts.append(f"<h3>{escape(text.name)} <small>{text.said}</small></h3>\n{shown}")
    if note:
        parts.append(f'<p class="note">{escape(note)}</p>')
    parts.append(f'<p class="about">{escape(about)}</p>')
    return "\n".join(parts)


def _sentence(text: ColoredText, start: int, end: int) -> str:
    parts, position = [], start
    for each in text.words:
        if not start <= each.word.start < end:
            continue
        parts.append(escape(text.text[position : each.word.start]))
        shown = escape(text.text[each.word.start : each.word.end])
        if not each.read:
            parts.append(f'<span class="unread" title="not read">{shown}</span>')
        elif each.color is None:
            parts.append(f'<span title="{each.relevance:.3g}">{shown}</span>')
        else:
            style = f"background:{_hex(each.color)};color:{_hex(ink(each.color))}"
            parts.append(f'<span style="{style}" title="{each.relevance:.3g}">{shown}</span>')
        position = each.word.end
    parts.append(escape(text.text[position:end]))
    return f'<div class="text" style="white-space:pre-wrap">{"".join(parts)}</div>'


def escape(text: str) -> str:
    return escaped(visible(text))


def _hex(color: RGB) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in color)
