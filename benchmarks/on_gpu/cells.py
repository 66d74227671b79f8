"""LeGrad, cell by cell: a model, a batch of pictures and a number of prompts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch

import whylight
from on_gpu.floor import Rates, forward_operations, legrad_operations, seconds, wait
from on_gpu.models import Tower
from whylight.models.view import View


@dataclass(frozen=True)
class Cell:
    """One measurement to make.

    Attributes:
        prompts: 0 for the plain forward pass.
    """

    model: str
    batch: int
    prompts: int

    def operations(self, tower: Tower) -> float:
        one = legrad_operations(tower, self.prompts) if self.prompts else forward_operations(tower)
        return self.batch * one


class Budget:
    """Seconds that the whole run may take, and what fits into the rest."""

    def __init__(self, total: float) -> None:
        self.start, self.total = time.perf_counter(), total
        self.slowest = 0.0

    @property
    def left(self) -> float:
        return self.total - (time.perf_counter() - self.start)

    def fits(self, floor: float) -> bool:
        """Whether work of this floor fits twice, as slow as the slowest of the larger cells so far, if not slower."""
        return 2 * floor * max(self.slowest, 2.0) < self.left

    def learn(self, floor: float, took: float) -> None:
        if took > 0.5:
            self.slowest = max(self.slowest, took / floor)


def measure_all(
    cells: list[Cell], models: dict[str, tuple[View, Tower]], device: str, rates: Rates, budget: Budget
) -> Iterator[dict[str, object]]:
    """Results one by one, the cheapest cells first; what does not fit the budget comes back as skipped."""
    for model, (view, tower) in models.items():  # allocates, compiles, and prepares what many prompts share
        for _ in range(2):
            measure(Cell(model, 1, 10), view, tower, device)
    for cell in sorted(cells, key=lambda cell: cell.operations(models[cell.model][1])):
        view, tower = models[cell.model]
        floor = cell.operations(tower) / rates.operations
        if not budget.fits(floor):
            yield {**asdict(cell), "skipped": "the time is spent"}
            continue
        try:
            took, memory = measure(cell, view, tower, device)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            yield {**asdict(cell), "skipped": "does not fit the GPU's memory"}
            continue
        budget.learn(floor, took)
        yield {
            **asdict(cell),
            "seconds": took,
            "pictures_per_second": cell.batch / took,
            "floor_seconds": floor,
            "peak_bytes_above_models": memory,
        }


def measure(cell: Cell, view: View, tower: Tower, device: str) -> tuple[float, int | None]:
    """Seconds of one call, and what it takes at its peak beside the models and its inputs (None on a CPU)."""
    dtype = next(view.module.parameters()).dtype
    pixels = torch.randn(cell.batch, 3, tower.size, tower.size, device=device, dtype=dtype)
    call = _call(cell, view, pixels, torch.randn(cell.prompts, tower.dim, device=device, dtype=dtype))
    before = None
    if device == "cuda":
        wait(device)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    took = seconds(call, device, 0.3)
    return took, None if before is None else torch.cuda.max_memory_allocated() - before


def _call(cell: Cell, view: View, pixels: torch.Tensor, prompts: torch.Tensor) -> Callable[[], object]:
    if cell.prompts:
        return lambda: whylight.relevance(view, pixels, prompts, method="legrad")

    def forward() -> object:
        with torch.inference_mode():
            return view.output(pixels)

    return forward
