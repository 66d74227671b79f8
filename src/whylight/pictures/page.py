"""The frame of every page that is written to a file: one style, pictures inside, nothing from elsewhere."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import cache
from html import escape as escaped
from importlib import resources
from typing import Literal

from PIL import Image

from whylight.errors import visible


def page(title: str, body: str, *, style: str = "") -> str:
    """A whole page that needs no other file: light or dark as the reader has it, for a phone, a desk and paper.

    Args:
        title: plain text.
        body: HTML.
        style: CSS beyond the frame's own.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style_of('page.css')}{style}</style></head>\n<body>{body}</body></html>\n"
    )


def figure(source: str, alt: str, caption: str = "") -> str:
    """A picture (:func:`inlined`) with its alternative text, and a caption below; both plain text."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(alt)}" src="{source}">{below}</figure>\n'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text in a table, whose columns but the first are numbers; a narrow page scrolls it."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def inlined(picture: Image.Image | bytes, form: Literal["PNG", "JPEG"] = "JPEG") -> str:
    """A picture, or the bytes of a PNG file, as the address of an image inside the page."""
    if isinstance(picture, bytes):
        return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    buffer = io.BytesIO()
    picture.save(buffer, form, **({"quality": 88} if form == "JPEG" else {"optimize": True}))
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def escape(text: str) -> str:
    """Plain text as HTML: nothing in it is markup, or changes how what stands beside it reads."""
    return escaped(visible(text))


@cache
def style_of(name: str) -> str:
    """A style sheet that lies beside this file."""
    return resources.files("whylight.pictures").joinpath(name).read_text(encoding="utf-8")
