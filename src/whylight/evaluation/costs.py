"""What a map costs: the time of each method as a multiple of one plain forward pass of the same model."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch

from whylight.errors import WhylightError
from whylight.evaluation.method_choices import Choice
from whylight.methods import relevance
from whylight.models.view import View

_ROUNDS = 5


def costs_of(view: View, choices: Sequence[Choice]) -> dict[str, float]:
    """Forward passes that one picture and one target take, by label, without methods that cannot explain the model.

    Each round times the forward pass and all methods in turn, and the median over rounds of their ratio is taken, so
    that a machine that does other things beside slows both sides alike.
    """
    assert view.preprocessing is not None
    pixels = torch.zeros(1, view.channels, *view.preprocessing.size)
    with torch.no_grad():
        output = view.output(pixels)
    targets = torch.zeros(1, 1, dtype=torch.int64) if view.classifies else output.float()
    calls: dict[str, Callable[[], object]] = {}
    for choice in choices:
        call: Callable[[], object] = partial(relevance, view, pixels, targets, method=choice.method, **choice.options)
        try:
            call()
        except WhylightError:
            continue
        calls[choice.label] = call
    ratios: dict[str, list[float]] = {label: [] for label in calls}
    for _ in range(_ROUNDS):
        plain = _seconds(lambda: view.output(pixels))
        for label, call in calls.items():
            ratios[label].append(_seconds(call) / plain)
    return {label: statistics.median(values) for label, values in ratios.items()}


def _seconds(call: Callable[[], object]) -> float:
    """Of the quicker of two calls."""
    runs = []
    for _ in range(2):
        start = time.perf_counter()
        with torch.no_grad():
            call()
        runs.append(time.perf_counter() - start)
    return min(runs)
