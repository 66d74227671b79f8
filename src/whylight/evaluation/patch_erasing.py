"""Erasing a model's own patches: SRG and SaCo, which ask whether a map tells what the score rests on.

SRG (Bluecher, Vielhaben and Strodthoff, TMLR 2024, arXiv 2401.06654): the score while patches go, least relevant first
minus most relevant first, the mean over all shares of the picture. SaCo (Wu et al., CVPR 2024): whether groups of
patches with more relevance cost more of the answer's probability. Erased patches get the picture's own mean of each
channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

STEPS = 100
"""Of SRG's curves, as published."""
GROUPS = 10
"""Of SaCo, as published."""

Scores = Callable[[Tensor], Tensor]
"""Pixels (n, channels, height, width) to one score each, (n,)."""


def on_patches(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """Relevance per patch (n, patches): maps (n, rows, columns) of patches as they are, of pixels averaged."""
    return (maps if maps.shape[1:] == grid else F.adaptive_avg_pool2d(maps, grid)).flatten(1)


def erasing_order(relevance: Tensor) -> Tensor:
    """Patches (n, patches), the most relevant first; equal ones in an order drawn once for all maps."""
    drawn = torch.randperm(relevance.shape[1], generator=torch.Generator().manual_seed(0)).to(relevance.device)
    return drawn[relevance[:, drawn].argsort(dim=1, descending=True, stable=True)]


def without_patches(pixels: Tensor, gone: Tensor, grid: tuple[int, int]) -> Tensor:
    """Pictures whose patches ``gone`` (n, patches) bool have the picture's mean colour."""
    small = gone.view(-1, 1, *grid).to(pixels.dtype)
    mask = F.interpolate(small, size=pixels.shape[-2:], mode="nearest") > 0
    return torch.where(mask, pixels.mean((-2, -1), keepdim=True), pixels)


@torch.no_grad()
def flipping_curves(
    scores: Scores, pixels: Tensor, relevance: Tensor, grid: tuple[int, int], steps: int = STEPS
) -> tuple[Tensor, Tensor]:
    """Scores with 0, 1/steps ... all of the patches erased: least and most relevant first, (n, steps + 1) each.

    Two erased copies of the pictures exist at a time.
    """
    n, patches = relevance.shape
    order = erasing_order(relevance).to(pixels.device)
    ranks = torch.empty_like(order).scatter_(1, order, torch.arange(patches, device=order.device).expand(n, -1))
    least, most = [], []
    for step in range(steps + 1):
        count = round(step * patches / steps)
        gone = torch.cat([ranks >= patches - count, ranks < count])
        both = scores(without_patches(pixels.repeat(2, 1, 1, 1), gone, grid)).double().cpu()
        least.append(both[:n])
        most.append(both[n:])
    return torch.stack(least, dim=1), torch.stack(most, dim=1)


def relevance_gain(least: Tensor, most: Tensor) -> Tensor:
    """SRG, in units of the score: the area between curves (..., steps + 1) over the share that is erased, by the
    trapezoid rule."""
    return torch.trapezoid(least - most, dx=1 / (least.shape[-1] - 1), dim=-1)


@torch.no_grad()
def saliency_coefficients(
    probability: Scores, pixels: Tensor, relevance: Tensor, grid: tuple[int, int], groups: int = GROUPS
) -> Tensor:
    """SaCo of each map, (n,) in [-1, 1].

    Args:
        probability: of what is explained.
        relevance: (n, patches).
    """
    clean = probability(pixels).double().cpu()
    drops, sums = [], []
    for chosen in erasing_order(relevance).tensor_split(groups, dim=1):
        gone = torch.zeros_like(relevance, dtype=torch.bool).scatter_(1, chosen, True)
        drops.append(clean - probability(without_patches(pixels, gone.to(pixels.device), grid)).double().cpu())
        sums.append(relevance.double().gather(1, chosen).sum(1).cpu())
    return saliency_coefficient(torch.stack(sums, dim=1), torch.stack(drops, dim=1))


def saliency_coefficient(sums: Tensor, drops: Tensor) -> Tensor:
    """SaCo from the relevance of groups, the greatest first, and what the probability loses without each: (n,).

    0 where all groups have the same relevance: such a map says nothing.
    """
    weights = torch.stack(list(_pairs(sums)), dim=1)
    fair = torch.stack(list(_pairs(drops)), dim=1) >= 0
    total = weights.abs().sum(1)
    return torch.where(total > 0, torch.where(fair, weights, -weights).sum(1) / total.where(total > 0, 1.0), 0.0)


def _pairs(values: Tensor) -> Iterator[Tensor]:
    """Values of group i minus those of group j for all i < j."""
    groups = values.shape[1]
    return (values[:, i] - values[:, j] for i in range(groups) for j in range(i + 1, groups))
