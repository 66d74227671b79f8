"""The protocol of word rationales over rows (ERASER; Chefer et al., CVPR 2021)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from whylight.evaluation.benchmarks.benchmark import Explained, Protocol, Rows
from whylight.evaluation.estimates import Array, Estimate, estimate, per_picture
from whylight.evaluation.token_f1 import WORDS

_CURVES = ("f1", "precision", "recall")
_SCALARS = ("auprc", "comprehensiveness", "sufficiency", "correct", "cut", "words", "read_words")


class Rationales(Protocol):
    """Token F1, precision and recall of the k highest words, AUPRC, comprehensiveness and sufficiency, per document."""

    protocol = "rationales"
    version = 1
    main_figure = "f1_mean"
    columns: ClassVar[dict[str, str]] = {
        "f1": "list<float>",
        "precision": "list<float>",
        "recall": "list<float>",
        "auprc": "float64",
        "comprehensiveness": "float64",
        "sufficiency": "float64",
        "correct": "bool",
        "cut": "bool",
        "words": "int32",
        "read_words": "int32",
    }
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
        curves = [np.array(rows[name].tolist(), dtype=np.float64) for name in _CURVES]
        scalars = np.stack([rows[name].astype(np.float64) for name in _SCALARS], axis=1)
        statistics = np.concatenate([*curves, scalars, np.ones((len(scalars), 1))], axis=1)
        return estimate(per_picture(rows["picture"], statistics), _figures)


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
