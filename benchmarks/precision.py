"""How far maps in half precision are from float32: rank correlation of the patches, and mIoU on scenes.

    python benchmarks/precision.py --limit 100

Model and relevance run in the precision from end to end, on the scenes of `whylight benchmark scenes-segmentation`.
Prints a Markdown table for each bundled model.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.reports.summary import summarize
from whylight.runs.run import execute
from whylight.runs.store import read_rows

METHODS = ("legrad", "chefercam", "transformer_attribution", "token_tm", "gradcam", "rollout")
PRECISIONS = ("float32", "bfloat16", "float16")
Maps = dict[tuple[str, str, str], list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=100, help="scenes")
    limit = parser.parse_args().limit
    for model in ("scenes", "scenes-siglip"):
        with tempfile.TemporaryDirectory() as folder:
            runs = {precision: run(model, precision, limit, Path(folder) / precision) for precision in PRECISIONS}
        print(table(model, limit, runs))


def run(model: str, precision: str, limit: int, folder: Path) -> tuple[Maps, dict[str, float]]:
    """Relevance of every map by (picture, label, method), and mIoU at 0.5 by method."""
    wanted = Wanted(
        "scenes-segmentation", None, model, ",".join(METHODS), limit=limit, batch_size=20, precision=precision
    )
    execute(plan(wanted), folder)
    rows = read_rows(folder, ["picture", "label", "method", "relevance"]).to_pylist()
    maps = {(row["picture"], row["label"], row["method"]): row["relevance"] for row in rows}
    return maps, {line.method: float(line.figures["mean_iou_0.5"].value) for line in summarize(folder).lines}


def table(model: str, limit: int, runs: dict[str, tuple[Maps, dict[str, float]]]) -> str:
    lines = [
        f"`{model}`, {limit} scenes:",
        "",
        "| method | mIoU (0.5), " + ", ".join(PRECISIONS) + " | rank correlation, bfloat16 | float16 |",
        "|---|---:|---:|---:|",
    ]
    exact = runs["float32"][0]
    for method in METHODS:
        cells = [" / ".join(f"{runs[precision][1][method]:.2f}" for precision in PRECISIONS)]
        for precision in PRECISIONS[1:]:
            maps = runs[precision][0]
            ranks = [spearmanr(values, maps[key]).statistic for key, values in exact.items() if key[2] == method]
            cells.append(f"{np.median(ranks):.4f}, lowest {min(ranks):.4f}")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
