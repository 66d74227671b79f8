"""A picture and a prompt in one figure: where the picture answers the prompt, and which words asked."""

from __future__ import annotations

from matplotlib.figure import Figure

from whylight.errors import BadInput
from whylight.pictures.explanation import Explanation
from whylight.pictures.figure import cell_size, place, show
from whylight.pictures.written_words import ADVANCE, LINE, text_lines, write_words
from whylight.text.explanation import TextExplanation

SIDE, GAP, MARGIN, HEAD, FOOT = 3.2, 0.12, 0.15, 0.5, 0.35


def pair_figure(seen: Explanation, read: TextExplanation, target: int = 0) -> Figure:
    """The picture, its overlay for one prompt, and below them that prompt's words on the colours of their relevance.

    Args:
        seen: of :func:`whylight.explain`, with the prompt among its targets.
        read: of :func:`whylight.explain_text`, for the same prompt and that picture.
        target: which of the targets of ``seen`` is the prompt.

    Raises:
        BadInput: the two are about different prompts.
    """
    if seen.targets[target] != read.text:
        raise BadInput(f"the picture was asked for {seen.targets[target]!r}, the words are of {read.text!r}")
    width, height = cell_size(seen.picture, SIDE)
    across = max(2 * (MARGIN + width) + GAP, 2 * MARGIN + ADVANCE * max(len(word.text) for word in read.words))
    lines = text_lines(read.text, across - 2 * MARGIN)
    figure = Figure(figsize=(across, HEAD + height + GAP + LINE * len(lines) + FOOT), dpi=160)
    show(place(figure, (MARGIN, HEAD, width, height)), seen.picture, "picture", "")
    shown = place(figure, (MARGIN + width + GAP, HEAD, width, height))
    show(shown, seen.overlay(target), seen.method, f"cosine {seen.scores[target]:.3f}")
    write_words(figure, read.colored()[0].words, lines, left=MARGIN, top=HEAD + height + GAP)
    return figure
