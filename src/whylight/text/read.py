"""A text, or a pair, as a model reads it: token ids, and where in the text each of them stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.view import View
from whylight.models.words import Span, Word, split_words
from whylight.text.sentences import TextLike, sentences_of, starts_of

_LETTERS = 8
"""More characters than a token stands for in the mean."""
_PLACES = {"return_offsets_mapping": True}


@dataclass(frozen=True)
class ReadText:
    """A text, or the windows of one, as inputs of a model.

    Attributes:
        inputs: what the model takes, one row per window.
        offsets: (start, end) in characters of every token of the text, special ones as (0, 0).
        places: for each window, which of ``offsets`` its tokens are: (windows, tokens), -1 for padding.
        read: the stretches of the text that the model reads, in characters.
    """

    inputs: dict[str, Tensor]
    offsets: list[Span]
    places: Tensor
    read: Sequence[Span]

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


def read_text(view: View, text: TextLike, windows: bool = False) -> ReadText:
    """A text, or a pair of them, as the model's tokenizer cuts it.

    Of a pair that is too long for the model the longer sentence is cut, token by token, until both fit.

    Args:
        view: a text view with a tokenizer.
        windows: cut a text that is too long into windows that overlap by half, instead of at its end; of a pair the
            longer one, beside which the other stands whole in every window.

    Raises:
        BadInput: no words, no tokenizer, or windows or a pair with a tokenizer that has none.
    """
    sentences = sentences_of(text)
    tokenizer = getattr(view, "tokenizer", None)
    if tokenizer is None:
        raise BadInput(f"{view.name} has no tokenizer: whylight.wrap(model, tokenizer=...)")
    if len(sentences) > 1 and not view.classifies:
        raise BadInput(f"{view.name} reads one text; pairs are for classifiers of transformers")
    if getattr(tokenizer, "is_fast", False):
        return _with_offsets(view, tokenizer, sentences, windows)
    if windows or len(sentences) > 1:
        raise BadInput(f"{view.name}: {'windows' if windows else 'pairs'} need a fast tokenizer of transformers")
    return _word_by_word(view, sentences[0])


def _with_offsets(view: Any, tokenizer: Any, sentences: tuple[str, ...], windows: bool) -> ReadText:
    """A fast tokenizer knows where its tokens stand."""
    whole = tokenizer(*sentences, verbose=False)
    cut = len(whole["input_ids"]) > view.longest
    if cut and windows:
        return _in_windows(view, tokenizer, sentences, whole.sequence_ids())
    inputs = view.tokenize([sentences if len(sentences) > 1 else sentences[0]])
    length = inputs["input_ids"].shape[1]
    encoded = tokenizer(*sentences, truncation=True, padding="max_length", max_length=length, **_PLACES)
    tokens = _places(encoded, 0, sentences)
    read = _stretches(sentences)
    if cut:
        left = tokenizer.truncation_side == "left"
        read = [_read(tokens, which, stretch, left) for which, stretch in enumerate(read)]
    return ReadText(inputs, [span for _, span in tokens], torch.arange(length)[None], read)


def _places(encoded: Any, window: int, sentences: Sequence[str]) -> list[tuple[int | None, Span]]:
    """Of every token which sentence it belongs to, and where in the whole text it stands; special ones: (0, 0)."""
    starts = starts_of(sentences)
    spans = encoded["offset_mapping"]
    spans = spans.tolist()[window] if isinstance(spans, Tensor) else spans
    return [
        (which, (0, 0) if which is None else (starts[which] + start, starts[which] + end))
        for which, (start, end) in zip(encoded.sequence_ids(window), spans, strict=True)
    ]


def _stretches(sentences: Sequence[str]) -> list[Span]:
    """Where each sentence stands in the whole text."""
    return [(start, start + len(text)) for start, text in zip(starts_of(sentences), sentences, strict=True)]


def _read(tokens: Sequence[tuple[int | None, Span]], which: int, stretch: Span, left: bool) -> Span:
    """What is left of a sentence that may have been cut."""
    spans = [span for owner, span in tokens if owner == which and span[1] > span[0]]
    begins = min((start for start, _ in spans), default=stretch[1]) if left else stretch[0]
    return begins, max((end for _, end in spans), default=begins)


def _in_windows(view: Any, tokenizer: Any, sentences: tuple[str, ...], owners: Sequence[int | None]) -> ReadText:
    """Windows over the longer sentence, whose tokens are ``owners``' more frequent ones."""
    long = max(range(len(sentences)), key=owners.count)
    beside = len(sentences) - 1 and owners.count(1 - long)
    room = view.longest - owners.count(None) - beside
    if room < 2:
        raise BadInput(
            f"{view.name} reads {view.longest} tokens: the shorter text of the pair leaves no room for windows"
        )
    overlap = room // 2
    encoded = tokenizer(
        *sentences,
        truncation="only_second" if long else "only_first",
        max_length=view.longest,
        stride=overlap,
        padding=True,
        padding_side="right",
        return_overflowing_tokens=True,
        return_tensors="pt",
        **_PLACES,
    )
    # All tokens of the text: those of the shorter sentence, then those of the longer one, then the special ones, which
    # stand in every window and count together.
    offsets: dict[int, Span] = {}
    places = torch.full_like(encoded["input_ids"], -1)
    for window in range(len(places)):
        next_of = {long: beside + window * (room - overlap), 1 - long: 0}
        for column, (which, span) in enumerate(_places(encoded, window, sentences)):
            if which is not None:
                places[window, column] = next_of[which]
                offsets[next_of[which]] = span
                next_of[which] += 1
    places[(places < 0) & encoded["attention_mask"].bool()] = len(offsets)
    spans = [offsets[place] for place in range(len(offsets))]
    return ReadText(view.as_inputs(encoded), [*spans, (0, 0)], places, _stretches(sentences))


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
    begun = {name: value[-2:-1] for name, value in inputs.items()}
    return ReadText(begun, offsets, torch.arange(length)[None], [(0, read)])


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
