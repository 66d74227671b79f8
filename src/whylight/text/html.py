"""Coloured texts as a self-contained page."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.pictures.page import escape
from whylight.pictures.page import page as whole_page
from whylight.pictures.word_colors import ColoredText, hexadecimal, ink

STYLE = """
.text { white-space: pre-wrap; line-height: 1.9; max-width: 60rem; }
.text + .text { border-top: 1px dashed var(--line); margin-top: .4rem; padding-top: .4rem; }
.text span { border-radius: 3px; padding: 1px 2px; }
.unread { color: var(--quiet); }
.note { font-size: .875rem; font-weight: 600; }
"""
"""Of coloured texts, beside the page's own."""


def page(title: str, texts: Sequence[ColoredText], about: str, note: str | None = None) -> str:
    """A whole page without scripts or links; see :func:`body`."""
    return whole_page(title, body(texts, about, note), style=STYLE)


def body(texts: Sequence[ColoredText], about: str, note: str | None = None) -> str:
    """The coloured text once per target, and below them a note and what it all came from."""
    parts = []
    for text in texts:
        shown = "\n".join(_sentence(text, start, end) for start, end in text.sentences)
        parts.append(f"<h3>{escape(text.name)} <small>{escape(text.said)}</small></h3>\n{shown}")
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
            style = f"background:{hexadecimal(each.color)};color:{hexadecimal(ink(each.color))}"
            parts.append(f'<span style="{style}" title="{each.relevance:.3g}">{shown}</span>')
        position = each.word.end
    parts.append(escape(text.text[position:end]))
    return f'<div class="text" style="white-space:pre-wrap">{"".join(parts)}</div>'
