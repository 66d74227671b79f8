"""Two methods on the same answers: differences of means, scenes drawn together."""

from __future__ import annotations

import numpy as np
from answer_differences import _cells


def rows(points: list[object], lost: list[object]) -> dict[str, np.ndarray]:
    """Two answers about each of three scenes, the last of which is about nothing."""
    columns = {
        "picture": ["a", "a", "b", "b", "c", "c"],
        "about": [True, True, True, True, True, False],
        "points_inside": points,
        "log_p_lost": lost,
    }
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def test_differences() -> None:
    one = rows([True, True, True, True, True, False], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    other = rows([True, False, True, False, True, False], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert _cells(one, other, "points_inside") == ("100.0 / 60.0", "+40.0 [+0.0, +50.0]")
    assert _cells(one, other, "log_p_lost") == ("3.0 / 2.0", "+1.0 [+1.0, +1.0]")  # the same in every scene
    without = rows([True] * 6, [1.0, 2.0, 3.0, None, 5.0, 6.0])
    assert _cells(without, other, "log_p_lost")[0] == "2.8 / 1.8"
    del one["about"], other["about"]  # rows of descriptions
    assert _cells(one, other, "log_p_lost")[0] == "3.5 / 2.5"
