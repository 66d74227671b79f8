"""Pictures that cannot be used are left out by name, counted, and said in every table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.reports.summary import summarize
from whylight.reports.tables import caption
from whylight.runs.run import execute
from whylight.runs.store import read_rows


def make_pictures(folder: Path) -> None:
    """Five pictures with masks: two are whole, one does not decode, one has a small mask, one an empty one."""
    (folder / "images").mkdir()
    (folder / "semantic_masks").mkdir()
    (folder / "semantic_classes.yaml").write_text("classes:\n  0: unlabeled\n  1: circle\n")
    numbers = np.zeros((96, 96), dtype=np.uint8)
    numbers[20:60, 30:70] = 1
    for name in ("broken", "empty", "small", "whole1", "whole2"):
        picture = Image.fromarray(np.stack([numbers * 200] * 3, axis=-1))
        picture.save(folder / "images" / f"{name}.png")
        Image.fromarray(numbers * (name != "empty")).save(folder / "semantic_masks" / f"{name}.png")
    Image.fromarray(numbers[:8, :12]).save(folder / "semantic_masks" / "small.png")
    (folder / "images" / "broken.png").write_bytes(b"no picture")


def test_what_cannot_be_used_is_named_and_counted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    make_pictures(tmp_path / "data")
    execute(plan(Wanted("semantic-segmentation", tmp_path / "data", "scenes", "raw_attention")), tmp_path / "run")
    rows = read_rows(tmp_path / "run").to_pylist()
    reasons = {row["picture"].split(".")[0]: row["skipped"] for row in rows if row["method"] is None}
    assert set(reasons) == {"broken", "empty", "small"}
    assert "does not decode" in reasons["broken"]
    assert "12 x 8" in reasons["small"]
    measured = {row["picture"].split(".")[0] for row in rows if row["method"] is not None}
    assert measured == {"whole1", "whole2"}
    summary = summarize(tmp_path / "run")
    assert summary.pictures == 2
    assert sum(summary.skipped.values()) == 3
    assert caption(summary).count("skipped 1: ") == 3
    (line,) = [line for line in summary.lines if line.method == "raw_attention"]
    assert line.rows == 2
