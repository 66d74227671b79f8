"""The protocol of word rationales over rows (ERASER; Chefer et al., CVPR 2021)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows, estimate_columns
from whylight.evaluation.estimates import Array, Estimate
from whylight.evaluation.token_f1 import WORDS

_CURVES = dict.fromkeys(("f1", "precision", "recall"), "list<float>")
_SCALARS = (
    dict.fromkeys(("auprc", "comprehensiveness", "sufficiency"), "float64")
    | dict.fromkeys(("correct", "cut"), "bool")
    | dict.fromkeys(("words", "read_words"), "int32")
)


class Rationales(Protocol):
    """Token F1, precision and recall of the k highest words, AUPRC, comprehensiveness and sufficiency, per document."""

    protocol = "rationales"
    version = 2
    main_figure = "f1_mean"
    columns: ClassVar[dict[str, str]] = _CURVES | _SCALARS
    figures_shown: ClassVar[dict[str, str]] = {
        "f1_mean": "F1 (mean of k)",
        "f1_20": "F1 (k=20)",
        "f1_80": "F1 (k=80)",
        "auprc": "AUPRC",
        "comprehensiveness": "compreh.",
        "sufficiency": "suffic.",
        "accuracy": "accuracy",
        "cut": "cut texts",
        "read": "words read",
    }
    lower_is_better = frozenset({"sufficiency"})
    measured_on = "documents"
    explained_as = "documents"
    explains: tuple[Explained, ...] = ("target",)

    def figures(self, rows: Rows) -> dict[str, Estimate]:
        return estimate_columns(rows, self.columns, _figures)


def _figures(sums: Array) -> dict[str, Array]:
    k, means = len(WORDS), 100 * sums / sums[..., -1:]
    f1 = means[..., :k]
    scalars = dict(zip(_SCALARS, np.moveaxis(means[..., 3 * k : -1], -1, 0), strict=True))
    return {
        "f1_mean": f1.mean(-1),
        "f1_20": f1[..., WORDS.index(20)],
        "f1_80": f1[..., WORDS.index(80)],
        "auprc": scalars["auprc"],
        "comprehensiveness": scalars["comprehensiveness"],
        "sufficiency": scalars["sufficiency"],
        "accuracy": scalars["correct"],
        "cut": scalars["cut"],
        "read": 100 * scalars["read_words"] / scalars["words"],
        "f1_curve": f1,
        "precision_curve": means[..., k : 2 * k],
        "recall_curve": means[..., 2 * k : 3 * k],
    }
