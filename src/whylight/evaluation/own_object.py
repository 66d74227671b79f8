"""Whether maps are higher on their own object than on another."""

from __future__ import annotations

from torch import Tensor


def means_on(maps: Tensor, labels: Tensor) -> Tensor:
    """Mean of each map on each object, (maps, objects) float64.

    Args:
        maps: (maps, height, width).
        labels: (objects, height, width), 1 on the object.
    """
    inside = (labels == 1).double().flatten(1)
    return maps.double().flatten(1) @ (inside / inside.sum(1, keepdim=True)).T


def auroc(table: Tensor) -> float:
    """Area under the ROC curve with which the means of k maps on their k objects, (k, k), tell own (the diagonal) from
    other: how often an own mean is above another one, equal ones count half."""
    own = table.diagonal()
    other = table[~table.new_ones(table.shape).diag().diag().bool()]
    above = (own[:, None] > other).double() + (own[:, None] == other).double() / 2
    return float(above.mean())
