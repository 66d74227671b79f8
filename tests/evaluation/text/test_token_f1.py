"""Agreement of word scores with marked words, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from whylight.evaluation.token_f1 import (
    agreement,
    area_under_precision_recall,
    probability_lost,
    ranking,
    rationales,
)

NAN = float("nan")
SCORES = np.array([0.1, 0.9, 0.3, 0.8, NAN, 0.2], dtype=np.float32)
EVIDENCE = np.array([False, True, True, False, True, False])


def test_ranking_ends_with_the_last_word_that_was_read() -> None:
    assert ranking(SCORES).tolist() == [1, 3, 2, 5, 0]
    assert ranking(np.array([0.5, 0.5, 1.0])).tolist() == [2, 0, 1], "ties in the order of the text"


def test_precision_recall_and_f1_of_the_highest_words() -> None:
    # Highest first: a hit, a miss, a hit, two misses; three words are marked, one of them beyond what was read.
    found = agreement(SCORES, EVIDENCE, (1, 2, 3, 5, 80))
    assert found.precision == pytest.approx([1, 1 / 2, 2 / 3, 2 / 5, 2 / 5])
    assert found.recall == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert found.f1 == pytest.approx([1 / 2, 2 / 5, 2 / 3, 1 / 2, 1 / 2])


def test_nothing_found_is_zero_and_not_undefined() -> None:
    found = agreement(np.array([1.0, 0.0]), np.array([False, True]), (1,))
    assert [values.tolist() for values in found] == [[0.0], [0.0], [0.0]]


def test_area_under_precision_and_recall() -> None:
    # From the highest threshold down, (recall, precision): (0, 1) (1/2, 1) (1/2, 1/2) (1, 2/3), by trapezoids.
    by_hand = 0.5 * 1 + 0 + 0.5 * (1 / 2 + 2 / 3) / 2
    scores = np.array([0.9, 0.8, 0.7], dtype=np.float32)
    assert area_under_precision_recall(scores, np.array([True, False, True])) == pytest.approx(by_hand)
    perfect = np.array([0.9, 0.8, 0.1, NAN])
    assert area_under_precision_recall(perfect, np.array([True, True, False, False])) == pytest.approx(1.0)


def test_words_that_were_not_read_come_last() -> None:
    read_up_to = area_under_precision_recall(np.array([-5.0, NAN]), np.array([False, True]))
    assert read_up_to == pytest.approx(area_under_precision_recall(np.array([2.0, 1.0]), np.array([False, True])))


def test_rationales_are_shares_of_the_words_read_rounded_up() -> None:
    chosen = rationales(SCORES, (0.01, 0.2, 0.5, 1.0))
    assert [np.flatnonzero(row).tolist() for row in chosen] == [[1], [1], [1, 2, 3], [0, 1, 2, 3, 5]]
    assert rationales(np.arange(100.0), (0.07,)).sum() == 7, "not 8, which 0.07 * 100 in floating point gives"


def test_probability_lost() -> None:
    assert probability_lost(0.9, np.array([0.8, 0.4, 0.3])) == pytest.approx(0.4)
    assert probability_lost(0.5, np.array([0.9])) == pytest.approx(-0.4)
