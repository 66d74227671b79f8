"""An explanation as one self-contained page: pictures inside, no scripts, no links."""

from __future__ import annotations

import base64
import io
from html import escape as escaped
from typing import TYPE_CHECKING

from whylight.errors import visible

if TYPE_CHECKING:
    from PIL import Image

    from whylight.pictures.explanation import Explanation

LONGER_SIDE = 768
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
main { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
figure { margin: 0; }
img { width: 100%; height: auto; border-radius: 6px; display: block; }
figcaption { padding-top: .4rem; overflow-wrap: anywhere; }
small, footer { opacity: .75; }
"""


def page(explanation: Explanation, *, alpha: float = 0.85, colormap: str = "inferno") -> str:
    """The picture and one overlay per target under its name and score."""
    small = explanation.reduced(LONGER_SIDE)
    cells = [_figure(small.picture, "picture", f"{explanation.picture.width} x {explanation.picture.height}")]
    for index, name in enumerate(explanation.targets):
        cells.append(_figure(small.overlay(index, alpha=alpha, colormap=colormap), name, explanation.said(index)))
    versions = ", ".join(f"{library} {version}" for library, version in explanation.versions.items())
    about = f"{explanation.method} · {explanation.model} · {versions}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(', '.join(explanation.targets))}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>{''.join(cells)}</main>\n<footer><p>{escape(about)}</p></footer></body></html>\n"
    )


def _figure(picture: Image.Image, name: str, below: str) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    caption = f"<figcaption>{escape(name)}<br><small>{escape(below)}</small></figcaption>"
    return f'<figure><img alt="{escape(name)}" src="data:image/png;base64,{data}">{caption}</figure>\n'


def escape(text: str) -> str:
    return escaped(visible(text))
