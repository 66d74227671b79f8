"""The product with M that each of LeGrad's prompts takes in every block, by the libraries that torch brings along.

    python benchmarks/matrix_products.py --threads 2

Milliseconds, the median over rounds, of act'(h) * a (tokens x hidden) times M (hidden x width) in float32: as torch
multiplies (MKL on x86), by oneDNN from the matrix as it is, and by oneDNN from its own layout. Each block has its own
matrix, as in a model, so that none comes from the cache.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from whylight.methods.legrad.matrix_product import matrix_product, packed

SIZES = {"ViT-B/32": (50, 768), "ViT-B/16": (197, 768), "ViT-L/14": (257, 1024)}
"""Tokens at 224 px, and width."""

BLOCKS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = Table(title=f"product with M, ms, {arguments.threads} threads, torch {torch.__version__}")
    for column in ("model", "prompts", "torch's own", "oneDNN", "oneDNN, packed", "times as fast"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for model, (tokens, width) in SIZES.items():
        for prompts in (1, 8):
            own, plain, laid_out = milliseconds(prompts, tokens, width, arguments.rounds)
            figures = (f"{own:.2f}", f"{plain:.2f}", f"{laid_out:.2f}", f"{own / laid_out:.2f}")
            table.add_row(model, str(prompts), *figures)
    Console().print(table)


def milliseconds(prompts: int, tokens: int, width: int, rounds: int) -> list[float]:
    """Of one product by each library; they take turns, every one over all blocks."""
    x = torch.randn(prompts, tokens, 4 * width)
    matrices = [torch.randn(4 * width, width) for _ in range(BLOCKS)]
    layouts = [packed(matrix) for matrix in matrices]
    ways: list[Callable[[int], object]] = [
        lambda block: x @ matrices[block],
        lambda block: matrix_product(x, matrices[block]),
        lambda block: matrix_product(x, layouts[block]),
    ]
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, of_way in zip(ways, times, strict=True):
            start = time.perf_counter()
            for block in range(BLOCKS):
                way(block)
            of_way.append(1e3 * (time.perf_counter() - start) / BLOCKS)
    return [statistics.median(of_way) for of_way in times]


if __name__ == "__main__":
    main()
