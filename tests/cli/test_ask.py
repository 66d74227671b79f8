"""``whylight ask``, and the benchmark of answers, with the bundled model."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import Run
from PIL import Image

from whylight.scenes import draw_scene


def test_command_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "scene.png"
    Image.fromarray(draw_scene(1000000043).picture).save(path)
    done = run("ask", str(path), "What colour is the ring?", "--json")
    assert done.status == 0
    said = json.loads(done.out)
    assert said["answer"] == "red"
    assert [Path(file).suffix for file in said["files"]] == [".png", ".html"]
    assert all(Path(file).exists() for file in said["files"])
    done = run("ask", str(path), "What colour is the ring?", "--answer", "mauve")
    assert done.status == 2
    assert "no words for the answer" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_benchmark(run: Run) -> None:
    done = run("benchmark", "scenes-answers", "--limit", "2", "--methods", "keyflow,tam", "--out", "run")
    assert done.status == 0, done.err
    summary = Path("run/summary.md").read_text(encoding="utf-8")
    assert "| keyflow |" in summary
    assert "scenes-answers, scenes-answers" in summary


def test_benchmark_by_erasing(run: Run) -> None:
    done = run("benchmark", "scenes-answers-faithfulness", "--limit", "1", "--methods", "raw_attention", "--out", "run")
    assert done.status == 0, done.err
    summary = Path("run/summary.md").read_text(encoding="utf-8")
    assert "SRG (log-odds)" in summary
    assert "| raw_attention |" in summary


def test_train_knows_its_towers(run: Run) -> None:
    done = run("train", "scenes-answers", "--out", "model", "--tower", "moon")
    assert done.status == 2
    assert "--tower is one of scenes, scenes-siglip, not 'moon'" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not Path("model").exists()
