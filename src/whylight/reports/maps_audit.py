"""Where the model looks, class by class or group by group, with intervals over pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from whylight.evaluation.estimates import Estimate, estimate

FIGURES = {"inside": "relevance inside, %", "pointing": "pointing hits, %", "ap": "AP, %", "area": "area inside, %"}


@dataclass(frozen=True)
class Line:
    """What one class or group has.

    Attributes:
        pictures: that have a mask or box.
        figures: mean over rows of what :data:`FIGURES` names, in percent, with its 95 % interval over pictures.
    """

    name: str
    pictures: int
    figures: dict[str, Estimate]


def audit(columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[np.int64], by: str) -> list[Line]:
    """One line for each value of a column, the one that looks elsewhere most first.

    Args:
        rows: of one method.
    """
    measured = rows[~np.isnan(columns["inside"][rows].astype(float))]
    lines = []
    for name in dict.fromkeys(columns[by][measured]):
        own = measured[columns[by][measured] == name]
        lines.append(_line(str(name), columns, own))
    return sorted(lines, key=lambda line: float(line.figures["inside"].value))


def _line(name: str, columns: Mapping[str, npt.NDArray[Any]], rows: npt.NDArray[np.int64]) -> Line:
    _, pictures = np.unique(columns["key"][rows], return_inverse=True)
    sums = np.zeros((int(pictures.max()) + 1, 1 + len(FIGURES)))
    values = np.stack([np.ones(len(rows)), *(columns[f][rows].astype(float) for f in FIGURES)], axis=1)
    np.add.at(sums, pictures, values)

    def figures(total: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        return {figure: 100 * total[..., i] / total[..., 0] for i, figure in enumerate(FIGURES, start=1)}

    return Line(name, len(sums), estimate(sums, figures))
