"""Coloured texts in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from whylight.errors import visible
from whylight.pictures.word_colors import ColoredText, ink


def in_terminal(texts: Sequence[ColoredText], note: str | None = None) -> RenderableType:
    """The text once per target, each word on the colour of its relevance; what was not read is dim."""
    parts: list[RenderableType] = []
    for text in texts:
        shown = Text(visible(text.text))
        for each in text.words:
            if not each.read:
                shown.stylize("dim", each.word.start, each.word.end)
            elif each.color is not None:
                front, back = (f"rgb({','.join(map(str, c))})" for c in (ink(each.color), each.color))
                shown.stylize(f"{front} on {back}", each.word.start, each.word.end)
        lines = [shown[start:end] for start, end in text.sentences]
        if len(lines) > 1:
            lines = [Text.assemble((f"{which} ", "dim"), line) for which, line in enumerate(lines, 1)]
        parts += [Text.assemble((visible(text.name), "bold"), f"  {text.said}"), *lines, Text()]
    if note:
        parts.append(Text(visible(note), "yellow"))
    return Group(*parts)
