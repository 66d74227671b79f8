"""Every method's time as a multiple of one plain forward pass of the same model, side by side in one run.

    make bench-methods    # or: python benchmarks/methods.py --model vit_base_patch16_224 --size 224 --threads 2

Weights are random: the time does not depend on them. Each round runs the forward pass and all methods in turn, takes
the quicker of two runs of each, and the table shows the median over rounds of the ratios within a round, so that a
machine that is busy with other things slows both sides alike.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import timm
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

import whylight

GOALS = {
    ("legrad", 1): 1.45,
    ("legrad", 8): 4.1,
    ("session", 1): 1 / 3,
    ("keyflow", 1): 2.4,
    ("keyflow", 8): 2.4 + 7 * 1.6,
    ("chefercam", 1): 4.0,
    ("transformer_attribution", 1): 6.0,
    ("rollout", 1): 1.5,
}
"""Multiples of a forward pass that the project asks for, by method and number of targets."""


def seconds(call: Callable[[], object]) -> float:
    """Of the quicker of two runs."""
    runs = []
    for _ in range(2):
        start = time.perf_counter()
        call()
        runs.append(time.perf_counter() - start)
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--methods", default="", help="comma-separated; all that run in a few passes by default")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    module = timm.create_model(arguments.model).eval()
    view = whylight.wrap(module)
    pixels = torch.randn(1, 3, arguments.size, arguments.size)
    runs = runs_of(
        view, pixels, arguments.methods.split(",") if arguments.methods else list(dict.fromkeys(m for m, _ in GOALS))
    )

    def forward() -> None:
        with torch.inference_mode():
            view.output(pixels)

    for call in (forward, *runs.values()):  # the first run of everything prepares and allocates
        call()
    plain, ratios = [], {name: [] for name in runs}
    for _ in track(range(arguments.rounds), description="rounds", transient=True):
        base = seconds(forward)
        plain.append(base)
        for name, call in runs.items():
            ratios[name].append(seconds(call) / base)
    show(arguments, plain, ratios)


def runs_of(
    view: whylight.models.View, pixels: torch.Tensor, methods: list[str]
) -> dict[tuple[str, int], Callable[[], object]]:
    """One call per method and number of targets; LeGrad long enough before that its matrices are prepared."""
    runs = {}
    for name in methods:
        if name == "session":  # a new target for a picture that was recorded, all that `explain` does included
            size = (pixels.shape[-2], pixels.shape[-1])
            picture = np.random.default_rng(0).integers(256, size=(*size, 3), dtype=np.uint8)
            runs["recording", 0] = lambda picture=picture, size=size: whylight.record(view, picture, size=size)
            session = runs["recording", 0]()
            runs[name, 1] = lambda session=session: session.explain(1)
            continue
        for count in (1, 8) if name in ("legrad", "keyflow") else (1,):
            runs[name, count] = lambda name=name, count=count: whylight.relevance(
                view, pixels, list(range(count)), method=name
            )
    if "legrad" in methods:
        for _ in range(3):
            whylight.relevance(view, pixels, list(range(8)))
    return runs


def show(arguments: argparse.Namespace, plain: list[float], ratios: dict[tuple[str, int], list[float]]) -> None:
    machine = platform.processor() or platform.machine()
    table = Table(title=f"{arguments.model}, {arguments.size} px, batch 1, {arguments.threads} threads, {machine}")
    for column in ("method", "targets", "x forward", "goal", "quickest round", "slowest round"):
        table.add_column(column, justify="left" if column == "method" else "right")
    table.add_row("plain forward", "", "1.00", "", f"{1e3 * min(plain):.0f} ms", f"{1e3 * max(plain):.0f} ms")
    for (name, count), values in ratios.items():
        goal = GOALS.get((name, count))
        table.add_row(
            name,
            str(count),
            f"{statistics.median(values):.2f}",
            "" if goal is None else f"{goal:.3g}",
            f"{min(values):.2f}",
            f"{max(values):.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
