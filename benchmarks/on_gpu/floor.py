"""What the GPU could do at best: operations over its matrix rate, bytes over its copy rate, both measured here.

Per picture and layer, with n tokens, width w, hidden width h (two operations for one multiplication and addition):

    forward         2n (4w² + 2wh) + 4n²w       four projections of the attention, the MLP, scores and A V
    every prompt    2nhw + 2n²w                 one product with the prepared matrix M, and the reduction of G_O Vᵀ
    once            2nw²                        x̂ W_O, which layer norm's backward asks for

The reductions alone, per picture, head and target, with n queries and keys and head width d:

    legrad                       2n²d      reads G_O and V once, writes n sums
    chefercam                    4n²d      and 4n²d once per picture for the scores and their sums; reads Q, K as well
    transformer attribution      6n²d      likewise, and reads S
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from on_gpu.models import Tower

FACTORS = {"legrad": 1, "chefercam": 1, "transformer attribution": 2}
"""How many tensors like G_O each reduction multiplies with Vᵀ."""


@dataclass(frozen=True)
class Rates:
    """What was measured: operations per second of a large matrix product, bytes per second of a copy (read + write)."""

    operations: float
    bytes: float


def measure_rates(device: str, dtype: torch.dtype, side: int, copied: int) -> Rates:
    """Rates of a product of two side x side matrices, and of copying so many bytes."""
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    source = torch.empty(copied, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    return Rates(
        operations=2 * side**3 / seconds(lambda: a @ b, device, 0.2),
        bytes=2 * copied / seconds(lambda: target.copy_(source), device, 0.2),
    )


def forward_operations(tower: Tower) -> float:
    """Of one picture."""
    n, w, h = tower.tokens, tower.width, tower.hidden
    return tower.layers * (2 * n * (4 * w * w + 2 * w * h) + 4 * n * n * w)


def legrad_operations(tower: Tower, prompts: int) -> float:
    """Of one picture and all its prompts."""
    n, w, h = tower.tokens, tower.width, tower.hidden
    return forward_operations(tower) + tower.layers * (2 * n * w * w + prompts * (2 * n * h * w + 2 * n * n * w))


def reduction_floor(name: str, tower: Tower, batch: int, targets: int, item: int, rates: Rates) -> tuple[float, float]:
    """Seconds of one layer's reduction by operations and by bytes; its floor is the larger one."""
    n, w = tower.tokens, tower.width
    maps = name != "legrad"
    per_target = 2 * FACTORS[name] + 2 * maps
    operations = batch * n * n * w * (targets * per_target + 2 * maps)
    read = batch * n * w * item * (1 + 2 * maps + targets * FACTORS[name])
    written = 4 * batch * targets * tower.heads * n
    return operations / rates.operations, (read + written) / rates.bytes


def seconds(call: Callable[[], object], device: str, at_least: float) -> float:
    """Mean of as many calls as fill this time, after one that is not counted unless it is a long one."""
    first = _timed(call, device, 1)
    if first >= 10 * at_least:
        return first
    once = max(_timed(call, device, 1), 1e-7)
    if once >= at_least:
        return once
    count = max(1, int(at_least / once))
    return _timed(call, device, count) / count


def _timed(call: Callable[[], object], device: str, count: int) -> float:
    wait(device)
    start = time.perf_counter()
    for _ in range(count):
        call()
    wait(device)
    return time.perf_counter() - start


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
