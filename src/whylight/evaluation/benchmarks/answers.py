"""The protocol of answers in words over rows: where the relevance of a right answer lies."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture

_MEANS = {
    "points_inside": "pointing",
    "points_near": "near",
    "foreground_precision": "foreground_ap",
    "share_inside": "share",
    "otsu_iou": "iou",
    "erased": "erased",
    "log_p_lost": "lost",
}
"""Columns of answers about objects, and the figures that are their means."""
_TWINS = ("twin_asked", "twin_other")
_PRESENCE = {"picture_share": "presence_share", "picture_balance": "presence_balance"}
_TRUTHS = ("points_inside", "points_near", *_TWINS, "about", "twin", "presence", "present")
_LEVELS = 128


class Answers(Protocol):
    """Of right answers: the maximum on the object that the answer is about, or within half a patch of it; foreground
    average precision, share and IoU at Otsu's threshold; where another object shares the answer (a twin), how often the
    maximum lies on either; the answer's probability without its most relevant tokens, and the logarithm that is lost;
    and how well relevance tells objects that are there from those that are not (area under the ROC curve): by the
    picture's share of what speaks for "yes" rather than "no" (it also falls where more speaks for it in the text), and
    by the balance on the picture of that and of what speaks for "no" rather than "yes".
    """

    protocol = "answers"
    version = 2
    main_figure = "pointing"
    columns: ClassVar[dict[str, str]] = dict.fromkeys(_TRUTHS, "bool") | dict.fromkeys(
        (*(name for name in _MEANS if name not in _TRUTHS), *_PRESENCE), "float64"
    )
    figures_shown: ClassVar[dict[str, str]] = {
        "pointing": "pointing",
        "near": "within half a patch",
        "foreground_ap": "fg. AP",
        "share": "share inside",
        "iou": "IoU (Otsu)",
        "twin_asked": "twins: asked",
        "twin_other": "twins: other",
        "erased": "p without 14 tokens",
        "lost": "log p lost",
        "presence_share": "AUC present: share",
        "presence_balance": "balance",
    }
    lower_is_better = frozenset({"twin_other", "erased"})
    measured_on: str = "scenes"
    explained_as: str = "answers"
    explains: tuple[Explained, ...] = ("target",)

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        about, twin, asked, present = (_numbers(rows, name) for name in ("about", "twin", "presence", "present"))
        means = [*(_numbers(rows, name) * about for name in _MEANS), about]
        twins = [*(_numbers(rows, name) * twin for name in _TWINS), twin]
        levels = [
            _levels(_numbers(rows, name)) * (asked * there)[:, None]
            for name in _PRESENCE
            for there in (present, 1 - present)
        ]
        return estimate(
            per_picture(rows["picture"], np.concatenate([np.stack([*means, *twins], 1), *levels], 1)), _figures
        )


def _numbers(rows: Rows, name: str) -> Array:
    return np.nan_to_num(np.array(rows[name].tolist(), dtype=np.float64))


def _levels(values: Array) -> Array:
    """(rows, levels), one 1 in each row: its value among the quantiles of all."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _LEVELS + 1)[1:-1])) if len(values) else values
    return np.eye(_LEVELS)[np.searchsorted(edges, values, side="left")]


def _figures(sums: Array) -> dict[str, Array]:
    count, twins = len(_MEANS), len(_MEANS) + 1
    parts = np.split(sums[..., twins + len(_TWINS) + 1 :], 2 * len(_PRESENCE), axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {name: 100 * sums[..., i] / sums[..., count] for i, name in enumerate(_MEANS.values())}
        figures["lost"] /= 100  # in natural logarithms
        for i, name in enumerate(_TWINS):
            figures[name] = 100 * sums[..., twins + i] / sums[..., twins + len(_TWINS)]
        for name, there, absent in zip(_PRESENCE.values(), parts[::2], parts[1::2], strict=True):
            figures[name] = 100 * _area(there, absent)
    return figures


def _area(there: Array, absent: Array) -> Array:
    """How often a value of what is there lies above one of what is absent, ties counting half; (..., levels) each."""
    below = np.cumsum(absent, -1) - absent
    return np.asarray((there * (below + absent / 2)).sum(-1) / (there.sum(-1) * absent.sum(-1)))
