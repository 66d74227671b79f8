"""Recognition of several objects by one prompt, over rows: does the map have its maximum on each object?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from whylight.evaluation.benchmarks.benchmark import Again, Batch, Benchmark, Item, Rows
from whylight.evaluation.benchmarks.object_labels import mask_label
from whylight.evaluation.data.data_set import Region, Sample
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture
from whylight.evaluation.pixel_maps import enlarge
from whylight.evaluation.pointing import points_inside
from whylight.passes.sharing import shared_passes
from whylight.pictures.phrases import Phrases, joined
from whylight.pictures.word_shares import WordShares, word_shares

MOST = 4
"""More objects are not asked for by one prompt."""
_WAYS = {"words": "its words", "whole": "whole prompt", "alone": "alone"}
_ARTICLE = re.compile(r"(an?|the)\s+(?=\S)", re.IGNORECASE)


class Recognition(Benchmark):
    """Of pictures with one to four objects: the maximum on each, by one prompt that names all of them ("a ring and a
    star"): in the whole prompt's map, in the map of the object's own words (the Shapley value of "a ring" beside "a
    star"), and in the map of a prompt for it alone."""

    protocol = "recognition"
    version = 2
    main_figure = "words"
    needs_prompts = True
    columns: ClassVar[dict[str, str]] = {"objects": "int32"} | dict.fromkeys(_WAYS, "bool")
    figures_shown: ClassVar[dict[str, str]] = {way: f"{said}, 2 to {MOST}" for way, said in _WAYS.items()} | {
        f"{way}_{count}": f"{said}, {count}" for way, said in _WAYS.items() for count in range(MOST, 0, -1)
    }

    def truth(self, sample: Sample, region: Region, size: tuple[int, int]) -> Tensor | None:
        return mask_label(region.mask, size) if len(sample.regions) <= MOST else None

    def measure(self, batch: Batch, items: Sequence[Item], maps: Tensor, again: Again) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = [{} for _ in items]
        for position in {item.position for item in items}:
            mine = [i for i, item in enumerate(items) if item.position == position]
            names = [batch.head.name(items[i].label) for i in mine]
            phrases = one_prompt(names)
            shares = _shares(batch, position, phrases, again)
            size = batch.pixels.shape[-2:]
            of_words = enlarge(shares.beyond_rounding, size)
            whole = enlarge((shares.relevance.sum(0) + shares.no_word)[None], size)[0]
            alone = enlarge(maps[mine], size)
            for number, i in enumerate(mine):
                rows[i] = {
                    "objects": len(mine),
                    "words": points_inside(of_words[number], items[i].truth),
                    "whole": points_inside(whole, items[i].truth),
                    "alone": points_inside(alone[number], items[i].truth),
                }
        return rows

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        count = np.eye(MOST + 1)[rows["objects"].astype(int)]
        inside = [count * rows[way].astype(np.float64)[:, None] for way in _WAYS]
        return estimate(per_picture(rows["picture"], np.concatenate([*inside, count], axis=1)), _figures)


def one_prompt(names: Sequence[str]) -> Phrases:
    """All names as one prompt, "a ring and a star", whose parts they are; names without an article get one."""
    articles = ("" if _ARTICLE.match(name) else "an " if name[:1].lower() in "aeiou" else "a " for name in names)
    return joined([f"{article}{name}" for article, name in zip(articles, names, strict=True)])


def _shares(batch: Batch, position: int, phrases: Phrases, again: Again) -> WordShares:
    pixels = batch.pixels[position : position + 1]

    def answers(embeddings: Tensor) -> tuple[Tensor, Tensor]:
        keys = [[f"{phrases.prompt}\0{float(one.double().sum())}" for one in embeddings]]
        maps = again(pixels, embeddings[None], keys)[0]
        return maps, torch.zeros(len(maps))

    with shared_passes():
        return word_shares(phrases, partial(_encode, batch), answers)


@torch.no_grad()
def _encode(batch: Batch, texts: Sequence[str]) -> Tensor:
    return batch.head.view.encode_text(list(texts))


def _figures(sums: Array) -> dict[str, Array]:
    """Counts that no picture has have no figure."""
    width = MOST + 1
    asked = sums[..., -width:]
    found: dict[str, Array] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for number, way in enumerate(_WAYS):
            hits = sums[..., number * width : (number + 1) * width]
            found |= {f"{way}_{count}": 100 * hits[..., count] / asked[..., count] for count in range(1, width)}
            found[way] = 100 * hits[..., 2:].sum(-1) / asked[..., 2:].sum(-1)
    return found
