"""An explained text as a self-contained page."""

from __future__ import annotations

from html import escape

from whylight.text.explanation import TextExplanation
from whylight.text.word_colors import RGB, colors, ink

_STYLE = """
body { font: 16px/1.9 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
body { color: #1a1a1a; background: #fff; }
.text { white-space: pre-wrap; }
.text span { border-radius: 3px; padding: 1px 2px; }
.unread { color: #767676; }
.about, .note { font-size: 0.85rem; color: #555; }
.note { color: #8a4b00; }
"""


def page(explanation: TextExplanation) -> str:
    """A whole page without scripts or links."""
    title = escape(f"{', '.join(explanation.targets)}: {explanation.method}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>{body(explanation)}</body></html>\n"
    )


def body(explanation: TextExplanation) -> str:
    """The coloured text once per target, with what it came from."""
    parts = []
    for row, name in enumerate(explanation.targets):
        parts.append(f"<h3>{escape(name)} <small>{explanation.said(row)}</small></h3>\n{_text(explanation, row)}")
    if explanation.note:
        parts.append(f'<p class="note">{escape(explanation.note)}</p>')
    scale = "red speaks for it, blue against it" if explanation.signed else "darker words weigh more"
    about = f"{explanation.model}, {explanation.method}; {scale}, relative to the strongest word"
    parts.append(f'<p class="about">{escape(about)}</p>')
    return "\n".join(parts)


def _text(explanation: TextExplanation, row: int) -> str:
    relevance = explanation.word_relevance[row]
    parts, position = [], 0
    for word, value, color in zip(explanation.words, relevance.tolist(), colors(relevance), strict=True):
        parts.append(escape(explanation.text[position : word.start]))
        shown = escape(explanation.text[word.start : word.end])
        if value != value:
            parts.append(f'<span class="unread" title="not read">{shown}</span>')
        elif color is None:
            parts.append(f'<span title="{value:.3g}">{shown}</span>')
        else:
            style = f"background:{_hex(color)};color:{_hex(ink(color))}"
            parts.append(f'<span style="{style}" title="{value:.3g}">{shown}</span>')
        position = word.end
    parts.append(escape(explanation.text[position:]))
    return f'<div class="text" style="white-space:pre-wrap">{"".join(parts)}</div>'


def _hex(color: RGB) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in color)
