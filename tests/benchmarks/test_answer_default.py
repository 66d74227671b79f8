"""Two methods on the same answers: differences of means, scenes drawn together."""

from __future__ import annotations

import numpy as np
from answer_default import _cells


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
    all_of_them = np.ones(6, dtype=bool)
    assert _cells(one, other, "points_inside", all_of_them) == ("100.0 / 60.0", "+40.0 [+0.0, +50.0]")
    assert _cells(one, other, "log_p_lost", all_of_them) == (
        "3.5 / 2.5",
        "+1.0 [+1.0, +1.0]",
    )  # the same in every scene
    first = np.array([True, True, False, False, False, False])
    assert _cells(one, other, "points_inside", first) == ("100.0 / 50.0", "+50.0 [+50.0, +50.0]")
    without = rows([True] * 6, [1.0, 2.0, 3.0, None, 5.0, 6.0])
    assert _cells(without, other, "log_p_lost", all_of_them)[0] == "3.4 / 2.4"
