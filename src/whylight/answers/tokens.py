"""Tokens of a prompt and an answer as words: where each word's tokens stand in the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from whylight.errors import BadInput
from whylight.models.words import Span, split_words


@dataclass(frozen=True)
class SaidWord:
    """A word, and its tokens.

    Attributes:
        text: as it is said.
        span: its characters in the decoded text.
        places: positions of its tokens in the sequence.
    """

    text: str
    span: Span
    places: tuple[int, ...]


@dataclass(frozen=True)
class Said:
    """A text as the tokenizer decodes it, and its words."""

    text: str
    words: tuple[SaidWord, ...]

    def phrase(self, wanted: str) -> tuple[int, ...]:
        """Positions of the tokens of a phrase of the text."""
        return self.places(self.find(wanted))

    def find(self, wanted: str) -> Span:
        """Where a phrase of whole words stands in the text first.

        Raises:
            BadInput: it does not say that.
        """
        text, phrase = self.text.lower(), wanted.lower().strip()
        begins, ends = ({word.span[side] for word in self.words} for side in (0, 1))
        start = text.find(phrase) if phrase else -1
        while start >= 0:
            span = start, start + len(phrase)
            if span[0] in begins and span[1] in ends:
                return span
            start = text.find(phrase, start + 1)
        raise BadInput(f"the answer is {self.text!r}: {wanted!r} is no part of it")

    def places(self, span: Span) -> tuple[int, ...]:
        """Positions of the tokens of a stretch of the text."""
        return tuple(dict.fromkeys(p for word in self.words if _meet(word.span, span) for p in word.places))


def text_so_far(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of an answer that is not finished: a letter of several tokens is left out until it is whole."""
    special = set(tokenizer.all_special_ids)
    return _decoded(tokenizer, [token for token in ids if token not in special]).rstrip("\ufffd")


def said(tokenizer: Any, ids: Sequence[int], places: Sequence[int]) -> Said:
    """Words of the tokens that stand at these positions; special ones are left out."""
    special = set(tokenizer.all_special_ids)
    kept = [(token, place) for token, place in zip(ids, places, strict=True) if token not in special]
    if not kept:
        return Said("", ())
    numbers = [token for token, _ in kept]
    text = _decoded(tokenizer, numbers)
    ends = [len(_decoded(tokenizer, numbers[: i + 1])) for i in range(len(numbers))]
    spans = list(zip([0, *ends[:-1]], ends, strict=True))
    words = tuple(
        SaidWord(word.text, (word.start, word.end), tuple(
            place for (_, place), span in zip(kept, spans, strict=True) if _meet(span, (word.start, word.end))
        ))
        for word in split_words(text)
    )  # fmt: skip
    return Said(text, words)


def answer_ids(tokenizer: Any, prompt: str, answer: str) -> list[int]:
    """Token numbers of an answer as they stand behind the prompt.

    Raises:
        BadInput: an empty answer, or one with words that the tokenizer does not know.
    """
    answer = answer.strip()
    if not answer:
        raise BadInput("the answer to explain is empty")
    joined = prompt if not prompt or prompt[-1].isspace() else f"{prompt} "
    before = _encoded(tokenizer, prompt.rstrip(" "))
    both = _encoded(tokenizer, joined + answer)
    ids = both[len(before) :] if both[: len(before)] == before else _encoded(tokenizer, answer)
    if not ids or (tokenizer.unk_token_id is not None and tokenizer.unk_token_id in ids):
        raise BadInput(f"the model's tokenizer has no words for the answer {answer!r}")
    return ids


def _encoded(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True)
    return text


def _meet(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def text_places(ids: Tensor, image: Tensor, end: int) -> list[int]:
    """Positions up to ``end`` (excluded) that are no picture's."""
    return [place for place in range(end) if not bool(image[place])]
