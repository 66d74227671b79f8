"""A text as a model reads it: token ids, and where in the text each of them stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.view import View
from whylight.models.words import Span, Word, split_words

_LETTERS = 8
"""More characters than a token stands for in the mean."""


@dataclass(frozen=True)
class ReadText:
    """A text, or the windows of one, as inputs of a model.

    Attributes:
        inputs: what the model takes, one row per window.
        offsets: (start, end) in characters of every token of the text, special ones as (0, 0).
        places: for each window, which of ``offsets`` its tokens are: (windows, tokens), -1 for padding.
        read: up to which character of the text the model reads.
        begins: from which character on it reads.
    """

    inputs: dict[str, Tensor]
    offsets: list[Span]
    places: Tensor
    read: int
    begins: int = 0

    def rows(self, first: int, last: int) -> dict[str, Tensor]:
        """Some of the windows, as inputs of the model."""
        return {name: value[first:last] for name, value in self.inputs.items()}

    def merge(self, relevance: Tensor) -> Tensor:
        """(windows, targets, tokens) to (targets, all tokens): the mean over the windows that hold a token."""
        total = relevance.new_zeros(relevance.shape[1], len(self.offsets))
        count = relevance.new_zeros(len(self.offsets))
        for row, places in zip(relevance, self.places, strict=True):
            held = places >= 0
            total.index_add_(1, places[held], row[:, held])
            count.index_add_(0, places[held], row.new_ones(int(held.sum())))
        return total / count.clamp(min=1)


def read_text(view: View, text: str, windows: bool = False) -> ReadText:
    """A text as the model's tokenizer cuts it.

    Args:
        view: a text view with a tokenizer.
        windows: cut a text that is too long into windows that overlap by half, instead of at its end.

    Raises:
        BadInput: no words, no tokenizer, or windows with a tokenizer that has none.
    """
    if not text.strip():
        raise BadInput("the text is empty")
    tokenizer = getattr(view, "tokenizer", None)
    if tokenizer is None:
        raise BadInput(f"{view.name} has no tokenizer: whylight.wrap(model, tokenizer=...)")
    if getattr(tokenizer, "is_fast", False):
        return _with_offsets(view, tokenizer, text, windows)
    if windows:
        raise BadInput(f"{view.name}: windows need a fast tokenizer of transformers")
    return _word_by_word(view, text)


def _with_offsets(view: Any, tokenizer: Any, text: str, windows: bool) -> ReadText:
    """A fast tokenizer knows where its tokens stand."""
    whole = tokenizer(text, return_special_tokens_mask=True, verbose=False)
    cut = len(whole["input_ids"]) > view.longest
    if cut and windows:
        return _in_windows(view, tokenizer, text, room=view.longest - sum(whole["special_tokens_mask"]))
    inputs = view.tokenize([text])
    length = inputs["input_ids"].shape[1]
    encoded = tokenizer(text, truncation=True, padding="max_length", max_length=length, return_offsets_mapping=True)
    offsets = [(start, end) for start, end in encoded["offset_mapping"]]
    read = max(end for _, end in offsets) if cut else len(text)
    begins = min(start for start, end in offsets if end > start) if cut and tokenizer.truncation_side == "left" else 0
    return ReadText(inputs, offsets, torch.arange(length)[None], read, begins)


def _in_windows(view: Any, tokenizer: Any, text: str, room: int) -> ReadText:
    overlap = room // 2
    encoded = tokenizer(
        text,
        truncation=True,
        max_length=view.longest,
        stride=overlap,
        padding=True,
        padding_side="right",
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    device = view.parameter.device
    inputs = {
        name: encoded[name].to(device) for name in ("input_ids", "attention_mask", "token_type_ids") if name in encoded
    }
    offsets: list[Span] = []
    places = torch.full_like(encoded["input_ids"], -1)
    for window, special in enumerate(encoded["special_tokens_mask"].bool()):
        first = window * (room - overlap)
        content = (~special).nonzero()[:, 0]
        places[window, content] = torch.arange(first, first + len(content))
        new = encoded["offset_mapping"][window, content[len(offsets) - first :]].tolist()
        offsets += [(start, end) for start, end in new]
    # Special tokens stand in every window: together they are the last of the tokens.
    places[(places < 0) & encoded["attention_mask"].bool()] = len(offsets)
    return ReadText(inputs, [*offsets, (0, 0)], places, len(text))


def _word_by_word(view: Any, text: str) -> ReadText:
    """Any other tokenizer: a word's tokens are those that the text gains when the word is added."""
    text, words = _filling(view, text)
    beginnings = ["", *(text[: word.end] for word in words)]
    inputs = view.tokenize([*beginnings, f"{text} {words[0].text if words else 'a'}"])
    ids = inputs["input_ids"]
    length = ids.shape[1]
    same: list[int] = (ids[:-1] == ids[-1]).long().cumprod(1).sum(1).tolist()
    # A text that is too long keeps the closing token, which follows at once where there is no text.
    room = length - int(ids[-1, -1] == ids[0, min(same[0], length - 1)])
    offsets: list[Span] = [(0, 0)] * length
    for word, first, last in zip(words, same, same[1:], strict=False):
        first, last = min(first, room), min(last, room)
        offsets[first:last] = [(word.start, word.end)] * (last - first)
    read = max(end for _, end in offsets) if same[-1] == length else len(text)
    return ReadText({name: value[-2:-1] for name, value in inputs.items()}, offsets, torch.arange(length)[None], read)


def _filling(view: Any, text: str) -> tuple[str, list[Word]]:
    """The beginning of a text that fills all that the model reads, and its words; the whole where nothing does.

    What follows changes no token, so a text of any length costs what its beginning does.
    """
    words = split_words(text)
    most = _LETTERS * view.longest
    for index, word in enumerate(words):
        if word.end - word.start > most:  # fills it alone, and takes long to cut into pieces
            end = word.start + most
            text, words = text[:end], [*words[:index], Word(text[word.start : end], word.start, end)]
            break
    count = view.longest
    while count < len(words):
        beginning = text[: words[count - 1].end]
        without, longer = view.tokenize([beginning, f"{beginning} {words[0].text}"])["input_ids"]
        if without.equal(longer):
            return beginning, words[:count]
        count *= 2
    return text, words
