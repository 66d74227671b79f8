"""Figures of a folder laid out like DAVIS: of all frames, and of each sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.reports.summary import summarize
from whylight.reports.tables import markdown
from whylight.runs.run import execute
from whylight.runs.store import read_rows
from whylight.scenes import draw_scene


def test_every_sequence_has_a_figure_of_its_own_frames(tmp_path: Path) -> None:
    for sequence, seeds in {"red-star": (3, 4, 5), "blue-ring": (6, 7)}.items():
        for seed in seeds:
            scene = draw_scene(10**9 + seed, 96)
            for kind, ending, content in (
                ("JPEGImages", "jpg", scene.picture),
                ("Annotations", "png", scene.objects[0].mask.astype(np.uint8) * 255),
            ):
                place = tmp_path / kind / "480p" / sequence / f"{seed:05d}.{ending}"
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(content).save(place)
    wanted = Wanted("davis-segmentation", tmp_path, "scenes", "rollout", shard_size=2, batch_size=2)
    execute(plan(wanted), tmp_path / "run")
    summary = summarize(tmp_path / "run")
    rows = [row for row in read_rows(tmp_path / "run").to_pylist() if row["method"] == "rollout"]
    (line,) = [line for line in summary.lines if line.method == "rollout"]
    assert list(line.by_class) == ["blue-ring", "red-star"]
    expected = {}
    for sequence in line.by_class:
        own = [row for row in rows if row["label"] == sequence]
        assert len(own) == {"red-star": 3, "blue-ring": 2}[sequence]
        sums = {n: sum(row[f"{n}_mean"] for row in own) for n in ("background", "foreground", "missed", "wrong")}
        parts = [sums[n] / (sums[n] + sums["missed"] + sums["wrong"]) for n in ("background", "foreground")]
        expected[sequence] = 50 * sum(parts)
        assert line.by_class[sequence] == pytest.approx(expected[sequence])
    text = markdown(summary, {})
    assert "5 frames of DAVIS" in text
    table = text.split("of each sequence (target):")[1]
    assert "| sequence | " in table
    cells = {row.split(" | ")[0].strip("| "): row for row in table.strip().splitlines()}
    column = cells["sequence"].strip("| ").split(" | ").index("rollout")
    for sequence, value in {**expected, "mean over them": sum(expected.values()) / 2}.items():
        assert cells[sequence].strip("| ").split(" | ")[column] == f"{value:.1f}"
