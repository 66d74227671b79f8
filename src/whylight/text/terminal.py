"""An explained text in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from whylight.text.explanation import TextExplanation
from whylight.text.word_colors import colors, ink


def colored(explanation: TextExplanation) -> RenderableType:
    """The text once per target, each word on the colour of its relevance; what was not read is dim."""
    parts: list[RenderableType] = []
    for row, name in enumerate(explanation.targets):
        relevance = explanation.word_relevance[row]
        text = Text(explanation.text)
        for word, value, color in zip(explanation.words, relevance.tolist(), colors(relevance), strict=True):
            if value != value:
                text.stylize("dim", word.start, word.end)
            elif color is not None:
                front, back = (f"rgb({','.join(map(str, c))})" for c in (ink(color), color))
                text.stylize(f"{front} on {back}", word.start, word.end)
        parts += [Text.assemble((name, "bold"), f"  {explanation.said(row)}"), text, Text()]
    if explanation.note:
        parts.append(Text(explanation.note, "yellow"))
    return Group(*parts)
