"""How well word scores agree with words that people marked, and with the model itself (ERASER, DeYoung et al., 2020).

Pure functions of one document. Means over documents are the benchmark's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from whylight.errors import need
from whylight.evaluation.estimates import Array

Bools = npt.NDArray[np.bool_]

WORDS = tuple(range(5, 85, 5))
"""How many words hard rationales have: k = 5, 10 ... 80 (Chefer et al., CVPR 2021)."""
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the words that comprehensiveness and sufficiency take out or leave (ERASER, section 4.3)."""


class Agreement(NamedTuple):
    """Token precision, recall and F1 in [0, 1], one value for each k."""

    precision: Array
    recall: Array
    f1: Array


def ranking(scores: Array) -> Array:
    """Numbers of the words, the highest score first, ties in the order of the text; NaN (not read) never comes."""
    order = np.argsort(-scores, kind="stable")
    return order[: len(scores) - int(np.isnan(scores).sum())]


def agreement(scores: Array, evidence: Bools, counts: Sequence[int] = WORDS) -> Agreement:
    """The k highest words of a document against all words that were marked in it.

    A document with fewer than k words that were read gives all of them.

    Args:
        scores: (words,) NaN where the model did not read.
        evidence: (words,), at least one of them true.
        counts: the k.
    """
    hits = np.cumsum(evidence[ranking(scores)])
    taken = np.minimum(counts, len(hits))
    found = hits[taken - 1].astype(np.float64)
    precision, recall = found / taken, found / evidence.sum()
    return Agreement(precision, recall, 2 * found / (taken + evidence.sum()))


def area_under_precision_recall(scores: Array, evidence: Bools) -> float:
    """AUPRC of a document, by the trapezoid rule over all thresholds, as ERASER has it; words not read come last."""
    metrics = need("sklearn.metrics", "evaluation")
    known = scores[~np.isnan(scores)]
    lowest = known.min() - 1 if len(known) else 0.0
    precision, recall, _ = metrics.precision_recall_curve(evidence, np.nan_to_num(scores, nan=lowest))
    return float(metrics.auc(recall, precision))


def rationales(scores: Array, shares: Sequence[float] = SHARES) -> Bools:
    """The highest words of a document, one row for each share of the words that were read, rounded up.

    Returns:
        (shares, words)
    """
    order = ranking(scores)
    chosen = np.zeros((len(shares), len(scores)), dtype=np.bool_)
    for row, share in zip(chosen, shares, strict=True):
        row[order[: int(np.ceil(round(share * len(order), 9)))]] = True
    return chosen


def probability_lost(whole: float, parts: Array) -> float:
    """How much probability a class loses, mean over the shares.

    Comprehensiveness, where ``parts`` are of texts without their rationales; sufficiency, where they are of the
    rationales alone.

    Args:
        whole: the class's probability for the whole text.
        parts: (shares,) the same for what is left of it.
    """
    return float(whole - np.mean(parts))
