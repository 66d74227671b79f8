"""An explained text in the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from whylight.text.explanation import TextExplanation
from whylight.text.word_colors import colours, ink


def coloured(explanation: TextExplanation) -> RenderableType:
    """The text once per target, each word on the colour of its relevance; what was not read is dim."""
    parts: list[RenderableType] = []
    for row, name in enumerate(explanation.targets):
        relevance = explanation.word_relevance[row]
        text = Text(explanation.text)
        for word, value, colour in zip(explanation.words, relevance.tolist(), colours(relevance), strict=True):
            if value != value:
                text.stylize("dim", word.start, word.end)
            elif colour is not None:
                front, back = (f"rgb({','.join(map(str, c))})" for c in (ink(colour), colour))
                text.stylize(f"{front} on {back}", word.start, word.end)
        parts += [Text.assemble((name, "bold"), f"  {explanation.said(row)}"), text, Text()]
    if explanation.note:
        parts.append(Text(explanation.note, "yellow"))
    return Group(*parts)
