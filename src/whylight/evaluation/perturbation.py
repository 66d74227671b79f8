"""Perturbation: how fast the answer goes when a map's pixels are erased (Chefer et al., CVPR 2021).

10, 20, ... 90 % of the pixels are erased to black, always from the clean picture: the most relevant first (positive: a
good map makes accuracy fall fast, lower is better) or the least relevant first (negative: higher is better). Accuracy
is always against the true class. The figure is the area under the curve from 0 (clean) to 0.9, times 100.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from whylight.models.preprocessing import Preprocessing

STEPS: tuple[float, ...] = tuple(step / 10 for step in range(1, 10))


@dataclass(frozen=True)
class Curve:
    """Hits of pictures at 0, 10, ... 90 % erased, summed: ``hits`` (..., 10) of ``pictures`` (...). Curves add up."""

    hits: npt.NDArray[np.float64]
    pictures: npt.NDArray[np.float64]

    def __add__(self, other: Curve) -> Curve:
        return Curve(self.hits + other.hits, self.pictures + other.pictures)

    @property
    def accuracy(self) -> npt.NDArray[np.float64]:
        """(..., 10) in [0, 1]."""
        return self.hits / np.asarray(self.pictures)[..., None]

    @property
    def auc(self) -> npt.NDArray[np.float64]:
        """Trapezoid over 0 ... 0.9, times 100: (...)."""
        accuracy = self.accuracy
        return np.asarray(10 * (accuracy[..., 1:] + accuracy[..., :-1]).sum(-1) / 2)


def pixel_ranks(maps: Tensor, *, most_relevant_first: bool) -> Tensor:
    """Place of each pixel in the order of erasing, (n, height, width) int64, from maps (n, height, width).

    Equal values keep the order of reading, left to right and top to bottom.
    """
    flat = maps.flatten(1)
    order = flat.argsort(dim=1, descending=most_relevant_first, stable=True)
    ranks = torch.empty_like(order)
    ranks.scatter_(1, order, torch.arange(flat.shape[1], device=maps.device).expand_as(order))
    return ranks.view(maps.shape)


def erase(pixels: Tensor, ranks: Tensor, share: float, black: Tensor) -> Tensor:
    """Pictures (n, 3, height, width) with the first ``share`` of their pixels, by rank, black: a new tensor."""
    count = int(ranks[0].numel() * share)
    return torch.where((ranks < count)[:, None], black.view(1, 3, 1, 1), pixels)


def black_of(preprocessing: Preprocessing, like: Tensor) -> Tensor:
    """What black (0 before normalisation) is in the model's pixels: (3,)."""
    mean, std = (like.new_tensor(values) for values in (preprocessing.mean, preprocessing.std))
    return -mean / std


@torch.no_grad()
def hits_when_erased(
    predict: Callable[[Tensor], Tensor],
    pixels: Tensor,
    maps: Tensor,
    truth: Tensor,
    black: Tensor,
    *,
    most_relevant_first: bool,
) -> Tensor:
    """Whether each picture is still recognised at 10 ... 90 % erased: (9, n) bool.

    One erased copy of the batch exists at a time.

    Args:
        predict: pixels (n, 3, height, width) to classes (n,).
        pixels: clean, normalised.
        maps: (n, height, width), any scale.
        truth: true classes (n,).
        black: see :func:`black_of`.
    """
    ranks = pixel_ranks(maps, most_relevant_first=most_relevant_first)
    return torch.stack([predict(erase(pixels, ranks, share, black)) == truth for share in STEPS])
