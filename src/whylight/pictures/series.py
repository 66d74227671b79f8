"""Many frames explained in batches, on one scale for all of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from whylight.errors import WhylightWarning
from whylight.methods.registry import check_one_map_each
from whylight.methods.relevance import relevance
from whylight.models.preprocessing import Fit, Frame, place_in_picture
from whylight.models.raster import Raster
from whylight.models.scores import ScoreName, check_finite, said_score
from whylight.models.targets import as_targets
from whylight.models.view import View
from whylight.pictures.look import InputSize, Look, look
from whylight.pictures.prompts_and_classes import NamedTargets, predicted
from whylight.pictures.read_raster import ValueRange

FRAMES_AT_ONCE = 8


@dataclass(frozen=True)
class Still:
    """One frame explained, without its picture.

    Attributes:
        name: which frame.
        relevance: (targets, rows, columns), raw.
        targets, scores, logits, score_name, frame: as an explanation has them.
    """

    name: str
    relevance: Tensor
    targets: tuple[str, ...]
    scores: tuple[float, ...]
    logits: tuple[float, ...]
    score_name: ScoreName
    frame: Frame

    def said(self, target: int) -> str:
        """A target's score in words."""
        return said_score(self.score_name, self.scores[target], self.logits[target])


@dataclass(frozen=True)
class Scale:
    """What is dark and what is bright, the same in all frames.

    Attributes:
        low, high: of each target, the least and the greatest relevance of any patch in any frame.
    """

    low: Tensor
    high: Tensor

    def maps(self, still: Still) -> npt.NDArray[np.float32]:
        """A frame's maps, (targets, height, width) of its picture in [0, 1]; what the model did not see is 0."""
        spread = (self.high - self.low).clamp(min=torch.finfo(torch.float32).tiny)[:, None, None]
        scaled = (still.relevance.double() - self.low[:, None, None]) / spread
        maps: npt.NDArray[np.float32] = place_in_picture(scaled.float().clamp(0, 1), still.frame).numpy()
        return maps


def one_scale(stills: Sequence[Still]) -> Scale:
    """The scale that holds all frames. Targets are told apart by their place in the list."""
    values = [torch.nan_to_num(still.relevance.double()) for still in stills]
    low = torch.stack([each.amin((1, 2)) for each in values]).amin(0)
    return Scale(low, torch.stack([each.amax((1, 2)) for each in values]).amax(0))


def explain_series(
    view: View,
    frames: Iterable[tuple[str, Image.Image | Raster]],
    targets: NamedTargets | None,
    method: str = "legrad",
    *,
    negative: bool = False,
    size: InputSize | None = None,
    fit: Fit | None = None,
    large: bool = False,
    value_range: ValueRange | None = None,
    batch: int = FRAMES_AT_ONCE,
    **options: Any,
) -> Iterator[Still]:
    """Frames as they come, some at a time in one call of the method: each gets what it would get alone.

    Args:
        frames: names and pictures.
        targets: for all frames; None for the class that a classifier predicts for each.
        negative: of predicted classes, what speaks against them.
        batch: how many frames go together; those of one size do.
        **options: the method's own.

    Raises:
        UnknownName, BadInput, UnsupportedModel: as :func:`whylight.explain` does.
    """
    check_one_map_each(method, options)
    for group in _batches(_looks(view, frames, size, fit, large, value_range), batch):
        pixels = torch.cat([seen.pixels for _, seen in group])
        with torch.no_grad():
            output = view.output(pixels)
        check_finite(view.name, output, view.module.named_parameters())
        values, names = _asked(view, output, targets, negative)
        with torch.no_grad():
            checked = as_targets(view, values, len(group)).shown()
            scores, logits = checked.said(view, output).tolist(), checked.logits(view, output).tolist()
        raw = relevance(view, pixels, values, method, negative=negative and targets is None, **options)
        for row, (name, seen) in enumerate(group):
            maps = seen.on_grid(raw[row].cpu())
            said_as = checked.said_as(view)
            yield Still(name, maps, names[row], tuple(scores[row]), tuple(logits[row]), said_as, seen.frame)


def _looks(
    view: View,
    frames: Iterable[tuple[str, Image.Image | Raster]],
    size: InputSize | None,
    fit: Fit | None,
    large: bool,
    value_range: ValueRange | None,
) -> Iterator[tuple[str, Look]]:
    with warnings.catch_warnings():
        for name, picture in frames:
            yield name, look(view, picture, size=size, fit=fit, large=large, value_range=value_range)
            warnings.simplefilter("ignore", WhylightWarning)  # what a size takes is said once


def _batches(looks: Iterable[tuple[str, Look]], size: int) -> Iterator[list[tuple[str, Look]]]:
    """Neighbours whose pixels are of one size, at most so many."""
    for _, same in groupby(looks, key=lambda seen: seen[1].pixels.shape):
        group: list[tuple[str, Look]] = []
        for each in same:
            group.append(each)
            if len(group) == size:
                yield group
                group = []
        if group:
            yield group


def _asked(
    view: View, output: Tensor, targets: NamedTargets | None, negative: bool
) -> tuple[Any, list[tuple[str, ...]]]:
    """What the method is asked, and each frame's names."""
    if targets is not None:
        return targets.values, [targets.names] * len(output)
    each = [predicted(view, row[None]) for row in output]
    named = [one.against() if negative else one for one in each]
    return [[int(row.argmax())] for row in output], [one.names for one in named]
