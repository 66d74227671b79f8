"""One method of answers against another, on the same answers.

    for i in 8 9 10 11; do python benchmarks/answer_formulas.py benchmark scenes-answers --limit 320 --shard $i/20 \\
    --shard-size 16 --methods keyflow,keyflow_before:smooth=true --out results/held-out; done
    python benchmarks/answer_differences.py results/held-out --method keyflow --against keyflow_before:smooth=true

Differences of means over answers in percentage points (of ``lost`` and ``gain`` in natural logarithms), with 95 %
intervals: scenes drawn with replacement, both methods on the same. A run of any benchmark of answers will do:
``scenes-answers``, ``scenes-answers-faithfulness`` or ``scenes-captions``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from whylight.evaluation.estimates import estimate, per_picture
from whylight.reports.summary import rows_of_method
from whylight.runs.store import read_rows

COLUMNS = {
    "points_inside": (100, "pointing"),
    "points_near": (100, "within half a patch"),
    "foreground_precision": (100, "foreground AP"),
    "otsu_iou": (100, "IoU (Otsu)"),
    "twin_asked": (100, "twins: asked"),
    "twin_other": (100, "twins: other"),
    "log_p_lost": (1, "log p lost"),
    "gain": (1, "SRG"),
    "coefficient": (100, "SaCo"),
    "object_iou": (100, "Obj-IoU"),
    "function_iou": (100, "Func-IoU"),
}
"""Factor and name of each column that rows of answers may have."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--method", required=True)
    parser.add_argument("--against", required=True)
    asked = parser.parse_args()
    there = [name for name in COLUMNS if name in read_rows(asked.run).column_names]
    wanted = ["picture", "label", *there, *(["about", "twin"] if "twin_asked" in there else [])]
    one, other = (rows_of_method(asked.run, method, "target", wanted) for method in (asked.method, asked.against))
    for rows in (one, other):
        same = [(a, b) for a, b in zip(rows["picture"], rows["label"], strict=True)]
        assert same == list(zip(one["picture"], one["label"], strict=True)), "the same answers"
    print(f"{asked.method} minus {asked.against}\n\n| figure | both | difference |\n|---|---:|---|")
    for name in there:
        print(f"| {COLUMNS[name][1]} | {' | '.join(_cells(one, other, name))} |")


def _cells(one: Any, other: Any, name: str) -> tuple[str, str]:
    """Both means, and their difference with its interval."""
    factor, _ = COLUMNS[name]
    both = [np.array(rows[name].tolist(), dtype=np.float64) for rows in (one, other)]
    counts = np.isfinite(both[0]) & np.isfinite(both[1])
    of = "twin" if name.startswith("twin_") else "about"
    if of in one:
        counts &= one[of].astype(bool)
    stacked = np.stack([*(np.where(counts, values, 0.0) for values in both), counts], 1)

    def figures(sums: Any) -> dict[str, Any]:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = factor * sums[..., :2] / sums[..., 2:]
        return {"one": means[..., 0], "other": means[..., 1], "more": means[..., 0] - means[..., 1]}

    found = estimate(per_picture(one["picture"], stacked), figures)
    more = found["more"]
    values = f"{float(found['one'].value):.1f} / {float(found['other'].value):.1f}"
    return values, f"{float(more.value):+.1f} [{float(more.low):+.1f}, {float(more.high):+.1f}]"


if __name__ == "__main__":
    main()
