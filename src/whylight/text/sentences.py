"""A text, or two that are read together: a tuple is a pair, a list a batch."""

from __future__ import annotations

from collections.abc import Sequence

from whylight.errors import BadInput
from whylight.models.inputs import check_text

TextLike = str | tuple[str, str]
"""A text, or a pair of sentences."""

BETWEEN = "\n"
"""What stands between the sentences of a pair where they are shown as one text."""


def check_texts(texts: Sequence[object]) -> None:
    """Refuse what is neither a text nor a pair of texts.

    Raises:
        BadInput: saying what there is instead, or that there is nothing.
    """
    if not texts:
        raise BadInput("the batch holds no text")
    for text in texts:
        if not isinstance(text, tuple):
            check_text(text, "the text")
            continue
        if len(text) != 2:
            raise BadInput(f"a tuple is one pair of sentences, not {len(text)} of them; a list is a batch")
        for which, sentence in zip(("first", "second"), text, strict=True):
            check_text(sentence, f"the {which} text of the pair")


def sentences_of(text: TextLike) -> tuple[str, ...]:
    """The sentence, or both of a pair.

    Raises:
        BadInput: one of them holds no word.
    """
    sentences = (text,) if isinstance(text, str) else text
    for which, sentence in enumerate(sentences):
        if not sentence.strip():
            name = "the text" if len(sentences) == 1 else f"the {('first', 'second')[which]} text of the pair"
            raise BadInput(f"{name} is empty")
    return sentences


def starts_of(sentences: Sequence[str]) -> list[int]:
    """Where each sentence begins in the text that they make together."""
    return [0, len(sentences[0]) + len(BETWEEN)][: len(sentences)]
