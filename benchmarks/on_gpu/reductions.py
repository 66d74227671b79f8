"""The kernels against the tiles that they stand in for, and against their floor, one layer of each model at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from on_gpu.floor import FACTORS, Rates, reduction_floor, seconds
from on_gpu.models import Tower
from whylight.attention import AttentionCall, gradient_relevance, kernels, record_attention
from whylight.attention.row_products import row_times_positive_gradient
from whylight.propagation.attention import row_times_relevance

REDUCTIONS: dict[str, Callable[[AttentionCall, Tensor, Tensor], Tensor]] = {
    "legrad": lambda call, gradient, row: gradient_relevance(call, gradient),
    "chefercam": row_times_positive_gradient,
    "transformer attribution": lambda call, gradient, row: row_times_relevance(call, gradient, row, gradient),
}
assert REDUCTIONS.keys() == FACTORS.keys()


def measure_reductions(
    tower: Tower, batch: int, targets: int, device: str, dtype: torch.dtype, rates: Rates
) -> Iterator[dict[str, object]]:
    """For every reduction: seconds of kernel, tiles and floor, and how far kernel and tiles are apart."""
    torch.manual_seed(0)
    shape = (batch, tower.tokens, 3, tower.heads, tower.head_width)
    query, key, value = torch.randn(shape, device=device, dtype=dtype).permute(2, 0, 3, 1, 4)
    with record_attention() as calls, torch.no_grad():
        F.scaled_dot_product_attention(query, key, value)
    gradient = torch.randn(targets, *value.transpose(1, 2).shape, device=device, dtype=dtype).transpose(2, 3)
    row = torch.rand(targets, batch, tower.tokens, device=device)
    chosen = kernels.usable(calls[0], gradient)
    for name, reduce in REDUCTIONS.items():

        def call(reduce: Callable[..., Tensor] = reduce) -> Tensor:
            return reduce(calls[0], gradient, row)

        by_operations, by_bytes = reduction_floor(name, tower, batch, targets, value.element_size(), rates)
        with torch.no_grad():
            found = call()  # and compile
            took = seconds(call, device, 0.1)
            with _tiles_only():
                tiles, expected = seconds(call, device, 0.1), call()
        yield {
            "model": tower.name,
            "reduction": name,
            "dtype": str(dtype).removeprefix("torch."),
            "batch": batch,
            "targets": targets,
            "kernel": chosen,
            "seconds": took,
            "tiles_seconds": tiles,
            "floor_by_operations": by_operations,
            "floor_by_bytes": by_bytes,
            "largest_difference": float((found - expected).abs().max() / expected.abs().max()),
        }


@contextmanager
def _tiles_only() -> Iterator[None]:
    with patch.object(kernels, "usable", lambda *arguments: False):
        yield
