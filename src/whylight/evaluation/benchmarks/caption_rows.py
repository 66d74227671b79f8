"""From pictures to rows: one for each (word of the model's own caption, method)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from whylight.answers.forcing import Forced, force
from whylight.answers.geometry import picture_maps
from whylight.answers.spreading import picture_likeness
from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.answer_relevance import explain_answer
from whylight.evaluation.benchmarks.captions import Captions
from whylight.evaluation.benchmarks.rows import NOT_FINITE, Row, RowMaker, Skipped, read_or_skip
from whylight.evaluation.caption_words import Mention, function_words, mentions
from whylight.evaluation.data.data_set import Sample, Source
from whylight.evaluation.method_choices import Choice
from whylight.evaluation.otsu import iou_above, otsu_threshold
from whylight.models.transformers.answering.view import AnsweringView
from whylight.passes.key_likeness import KeyLikeness
from whylight.passes.sharing import shared_passes

QUESTION = "Describe the picture."


@dataclass(frozen=True)
class Caption:
    """What a model says of a picture.

    Attributes:
        masks: (height, width) of each class of the picture: 1 on it, 0 off it, -1 where it does not count.
        objects, function: words for what is annotated, and indices of function words.
    """

    sample: Sample
    forced: Forced
    likeness: KeyLikeness
    masks: dict[str, Tensor]
    objects: list[Mention]
    function: list[int]

    def places(self, word: int) -> tuple[int, ...]:
        return self.forced.answer.words[word].places


class CaptionRows(RowMaker[Sample]):
    """Has a model describe pictures, and measures where each method sees its words come from."""

    view: AnsweringView
    benchmark = Captions()
    input_size: Sequence[int] = ()

    def __init__(self, view: AnsweringView, choices: Sequence[Choice], classes: dict[str, str]) -> None:
        self.view, self.choices, self.classes = view, choices, classes

    def reader(self, source: Source) -> Callable[[int], Sample | Skipped]:
        return partial(read_or_skip, source)

    def question(self, item: Sample) -> Any:
        raise UnsupportedModel("answers are not tried on embeddings")

    def measured(self, items: list[Sample]) -> list[Row]:
        rows: list[Row] = []
        for sample in items:
            with shared_passes():
                caption = self._caption(sample)
                if caption.objects:
                    rows += [row for choice in self.choices for row in _rows(choice, caption)]
                    continue
            rows.append({"picture": sample.name, "skipped": "its caption names nothing that is annotated"})
        return rows

    @torch.no_grad()
    def _caption(self, sample: Sample) -> Caption:
        forced, _, _ = force(self.view, [sample.picture], QUESTION, None)
        words = [word.text for word in forced.answer.words]
        masks = {each.label: torch.from_numpy(each.mask) for each in sample.regions if each.mask is not None}
        objects = mentions(words, {label: self.classes[label] for label in masks})
        likeness = picture_likeness(self.view, forced.run, forced.tower)
        return Caption(sample, forced, likeness, masks, objects, function_words(words))


def _rows(choice: Choice, caption: Caption) -> Iterator[Row]:
    """A word of several tokens, and neighbouring words for one thing, count once: by the best of their tokens."""
    tokens = [
        (mention, place) for mention in caption.objects for word in mention.words for place in caption.places(word)
    ]
    places = [(place,) for _, place in tokens] + [caption.places(word) for word in caption.function]
    maps = _maps(choice, caption, places)
    said: Row = {
        "picture": caption.sample.name,
        "explained": "target",
        "shown": caption.forced.answer.text,
        "method": choice.label,
    }
    if not bool(torch.isfinite(maps).all()):
        yield said | {"label": caption.sample.name, "skipped": NOT_FINITE}
        return
    best: dict[Mention, tuple[float, float]] = {}
    for (mention, _), scores in zip(tokens, maps, strict=False):
        cut = otsu_threshold(scores)
        measured = iou_above(cut, scores, caption.masks[mention.label]), cut
        best[mention] = max(best.get(mention, measured), measured)
    for mention, (iou, _) in best.items():
        yield said | {"label": mention.label, "object_iou": iou}
    usual = sum(cut for _, cut in best.values()) / len(best)
    for word, scores in zip(caption.function, maps[len(tokens) :], strict=True):
        below = float((scores < usual).double().mean())
        yield said | {"label": caption.forced.answer.words[word].text, "function_iou": below}


def _maps(choice: Choice, caption: Caption, places: Sequence[Sequence[int]]) -> Tensor:
    """Maps (words, height, width), their maximum being that at the picture's tokens as a share of that at all tokens:
    a word that rests on other words has a low map."""
    forced, picture = caption.forced, caption.sample.picture
    words = [forced.target(place) for place in places]
    key = f"{caption.sample.name}\0{QUESTION}"
    _, shown = explain_answer(choice, forced, words, caption.likeness, key)
    least = torch.finfo(shown.dtype).tiny
    seen, highest = shown[:, forced.run.image[0]].amax(1), shown.amax(1).clamp(min=least)
    maps = picture_maps(shown, forced.run.pictures[0], (picture.height, picture.width))
    scale = (seen / highest).to(maps) / maps.amax((1, 2)).clamp(min=torch.finfo(maps.dtype).tiny)
    return maps * scale[:, None, None].clamp(min=0)
