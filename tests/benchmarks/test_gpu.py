"""The GPU benchmark runs from end to end on a CPU, so that a GPU's time is not spent on finding that it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from on_gpu.cells import Budget
from on_gpu.floor import Rates, forward_operations, legrad_operations, reduction_floor
from on_gpu.models import Tower

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
TOWER = Tower("b", tokens=197, width=768, hidden=3072, layers=12, heads=12, size=224, dim=512)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("interpreted", ["0", "1"])
def test_small_run(interpreted: str, tmp_path: Path) -> None:
    if interpreted == "1":
        pytest.importorskip("triton", "3.3", reason="Triton comes with torch on Linux only, and 3.3 from torch 2.7 on")
    done = run("--small", "--out", str(tmp_path), TRITON_INTERPRET=interpreted)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert len(report["cells"]) == 6
    assert all(cell["seconds"] > 0 for cell in report["cells"])
    assert len(report["reductions"]) == 6
    assert {cell["kernel"] for cell in report["reductions"]} == {interpreted == "1"}
    assert all(cell["largest_difference"] < 1e-3 for cell in report["reductions"])
    text = (tmp_path / "gpu.md").read_text()
    assert "| tiny | 2 | 3 |" in text
    assert "Not measured" not in text


def test_what_does_not_fit_the_time_is_named(tmp_path: Path) -> None:
    done = run("--small", "--minutes", "0", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "- tiny, batch 2, 3 prompts: the time is spent" in (tmp_path / "gpu.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu(tmp_path: Path) -> None:
    done = run("--out", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "this benchmark needs a CUDA GPU, and torch sees none; --small runs all of it on the CPU"
    ]


def test_operations() -> None:
    assert forward_operations(TOWER) == pytest.approx(34.9e9, rel=0.01)  # 17.5 GMACs, ViT-B/16's usual figure
    assert legrad_operations(TOWER, 2) - legrad_operations(TOWER, 1) == pytest.approx(
        12 * (2 * 197 * 3072 * 768 + 2 * 197**2 * 768)
    )


def test_floor_of_a_reduction() -> None:
    by_operations, by_bytes = reduction_floor("legrad", TOWER, 4, 3, 2, Rates(1e12, 1e9))
    assert by_operations == pytest.approx(4 * 3 * 2 * 197**2 * 768 / 1e12)
    assert by_bytes == pytest.approx((4 * 197 * 768 * 2 * (3 + 1) + 4 * 4 * 3 * 12 * 197) / 1e9)


def test_budget() -> None:
    budget = Budget(100)
    assert budget.fits(20)
    budget.learn(1, 10)
    assert not budget.fits(20)
    assert budget.fits(4)
