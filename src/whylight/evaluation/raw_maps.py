"""Maps of a batch of pictures by a chosen method, baselines included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from whylight.evaluation.baselines import BASELINES, baseline
from whylight.evaluation.method_choices import Choice
from whylight.methods import record_legrad, relevance
from whylight.methods.legrad.recording import RECORDED, LegradRecording
from whylight.methods.registry import check_one_map_each
from whylight.models.targets import TargetsLike, as_targets
from whylight.models.view import View
from whylight.passes.key_likeness import record_key_likeness
from whylight.passes.sharing import shared, sharing


def maps_of(
    choice: Choice,
    view: View,
    pixels: Tensor,
    targets: TargetsLike,
    grid: tuple[int, int],
    keys: Sequence[Sequence[str]],
) -> Tensor:
    """Raw maps (batch, targets, rows, columns), float32, on the CPU: of patches, or of pixels where the method says so.

    Args:
        targets: see :meth:`whylight.evaluation.heads.Head.targets`.
        keys: for every picture, one text per target that the random baseline follows from.
    """
    if choice.method in BASELINES:
        return torch.stack([torch.stack([baseline(choice.method, grid, key) for key in row]) for row in keys])
    check_one_map_each(choice.method, choice.options)
    maps = _relevance(choice, view, pixels, targets).float().cpu()
    return maps if maps.dim() == 4 else maps.unflatten(-1, grid)


def _relevance(choice: Choice, view: View, pixels: Tensor, targets: TargetsLike) -> Tensor:
    """Raw relevance; all LeGrads of the same pictures that differ in what they ask alone share one recording."""
    if not sharing() or not records_legrad(choice):
        return relevance(view, pixels, targets, method=choice.method, **choice.options)
    asked: dict[str, Any] = {name: value for name, value in choice.options.items() if name not in RECORDED}
    smooth = asked.pop("smooth", False)
    count = len(as_targets(view, targets, len(pixels)))
    maps = shared_recording(choice, view, pixels, count).relevance(targets, **asked)
    return record_key_likeness(view, pixels).above_mean(maps) if smooth else maps


def records_legrad(choice: Choice) -> bool:
    """Whether the choice is a LeGrad that can be asked of a recording."""
    return choice.method == "legrad" and "create_graph" not in choice.options


def shared_recording(choice: Choice, view: View, pixels: Tensor, targets: int) -> LegradRecording:
    """The one recording of the pictures for all LeGrads that record as this choice does.

    Args:
        targets: how many are asked; the first who asks says it.
    """
    recorded = {name: value for name, value in choice.options.items() if name in RECORDED}
    kind = ("legrad", *sorted(recorded.items()))
    return shared(view, pixels, kind, lambda: record_legrad(view, pixels, targets=targets, **recorded))
