"""The protocol of answers in words over rows: where the relevance of a right answer lies."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture

_MEANS = ("points_inside", "points_near", "foreground_precision", "share_inside", "otsu_iou")
_TWINS = ("twin_asked", "twin_other")
_LEVELS = 128


class Answers(Protocol):
    """Of right answers: the maximum on the object that the answer is about, or within half a patch of it; foreground
    average precision, share and IoU at Otsu's threshold; where another object shares the answer (a twin), how often the
    maximum lies on either; the answer's probability without its most relevant tokens; and how well the picture's share
    of relevance tells objects that are there from those that are not (area under the ROC curve, "yes" minus "no").
    """

    protocol = "answers"
    version = 1
    main_figure = "pointing"
    columns: ClassVar[dict[str, str]] = (
        {"about": "bool", "twin": "bool", "presence": "bool", "present": "bool"}
        | dict.fromkeys((*_MEANS[:2], *_TWINS), "bool")
        | dict.fromkeys((*_MEANS[2:], "erased", "picture_share"), "float64")
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
        "presence": "AUC present",
    }
    lower_is_better = frozenset({"twin_other", "erased"})
    measured_on: str = "scenes"
    explained_as: str = "answers"
    explains: tuple[Explained, ...] = ("target",)

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        about, twin, asked = (_numbers(rows, name) for name in ("about", "twin", "presence"))
        present = _numbers(rows, "present")
        columns = [_numbers(rows, name) * about for name in (*_MEANS, "erased")]
        columns += [_numbers(rows, name) * twin for name in _TWINS]
        levels = _levels(_numbers(rows, "picture_share"))
        there = levels * (asked * present)[:, None]
        absent = levels * (asked * (1 - present))[:, None]
        stacked = np.concatenate([np.stack([*columns, about, twin], 1), there, absent], axis=1)
        return estimate(per_picture(rows["picture"], stacked), _figures)


def _numbers(rows: Rows, name: str) -> Array:
    return np.nan_to_num(np.array(rows[name].tolist(), dtype=np.float64))


def _levels(shares: Array) -> Array:
    """(rows, levels), one 1 in each row: its share among the quantiles of all."""
    edges = np.unique(np.quantile(shares, np.linspace(0, 1, _LEVELS + 1)[1:-1])) if len(shares) else shares
    return np.eye(_LEVELS)[np.searchsorted(edges, shares, side="left")]


def _figures(sums: Array) -> dict[str, Array]:
    about, twin = sums[..., 8], sums[..., 9]
    there, absent = sums[..., 10 : 10 + _LEVELS], sums[..., 10 + _LEVELS :]
    below = np.cumsum(absent, -1) - absent
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (there * (below + absent / 2)).sum(-1) / (there.sum(-1) * absent.sum(-1))
        means = {
            name: 100 * sums[..., i] / about
            for i, name in enumerate(("pointing", "near", "foreground_ap", "share", "iou", "erased"))
        }
        twins = {name: 100 * sums[..., 6 + i] / twin for i, name in enumerate(_TWINS)}
    return means | twins | {"presence": 100 * auc}
