"""Curves of the protocols that have some: where they begin and end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from whylight.evaluation.benchmarks.catalog import find_benchmark
from whylight.evaluation.estimates import Estimate
from whylight.reports.curves import draw_curves
from whylight.reports.summary import Line, Summary


def summary(name: str, curves: tuple[str, ...], points: int) -> Summary:
    value = np.linspace(100, 10, points)
    figures = dict.fromkeys(curves, Estimate(value, value - 3, value + 3))
    lines = [Line(method, "target", 1, 0, figures) for method in ("legrad", "centre", "random")]
    settings = SimpleNamespace(explained=["target"], benchmark=name, model="scenes")
    return Summary(Path(), settings, find_benchmark(name).protocol(), lines, 1, {}, (1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "curves", "points", "ends"),
    [
        ("scenes-perturbation", ("positive_curve", "negative_curve"), 10, [0, 90]),
        ("scenes-faithfulness", ("most_curve", "least_curve"), 101, [0, 100]),
        ("scenes-randomized", ("correlation_curve",), 6, [100 / 6, 100]),
    ],
)
def test_a_line_for_every_method_over_what_is_erased_or_random(
    name: str, curves: tuple[str, ...], points: int, ends: list[float]
) -> None:
    figure = draw_curves(summary(name, curves, points))
    assert figure is not None
    assert len(figure.axes) == len(curves)
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == ["legrad", "centre", "random"]
        assert axes.lines[0].get_xdata()[[0, -1]].tolist() == pytest.approx(ends)


def test_other_protocols_have_none() -> None:
    assert draw_curves(summary("scenes-points", (), 1)) is None
