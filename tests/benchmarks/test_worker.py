"""The worker processes, on a tiny model in this environment, with captum as the peer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from peers.cells import Cell
from peers.material import Material
from peers.measuring import Bounds, measure
from peers.page import page
from peers.process import Failed, Worker
from safetensors.torch import save_file

TINY, SIZE = "test_vit", 160
ENOUGH = 2**33
pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the benchmark needs Linux")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("material")
    torch.manual_seed(0)
    files = Material(folder / "weights.safetensors", folder / "inputs.safetensors")
    save_file(timm.create_model(TINY).state_dict(), files.weights)
    save_file({str(SIZE): torch.randn(8, 3, SIZE, SIZE)}, files.inputs)
    return files


def loading(material: Material, memory: int = ENOUGH) -> dict[str, object]:
    files = {"weights": str(material.weights), "inputs": str(material.inputs)}
    return {"do": "load", "model": TINY, "size": SIZE, "steps": 4, "threads": 1, "memory": memory, **files}


@pytest.fixture
def captum(tmp_path: Path) -> Iterator[Worker]:
    with Worker(sys.executable, "captum_worker", threads=1, log=tmp_path / "log.txt") as worker:
        yield worker


INTEGRATE = {"do": "run", "what": "integrated_gradients", "targets": 1, "save": None}


def test_requests_and_failures_of_one_worker(material: Material, captum: Worker) -> None:
    assert "captum" in captum.ask(300, **loading(material))["versions"]
    at_rest = captum.ask(60, do="peak")["above"]
    assert captum.ask(60, batch=8, **INTEGRATE)["seconds"] > 0
    assert captum.ask(60, do="peak")["above"] > at_rest + 2**20
    with pytest.raises(Failed, match="no such request"):
        captum.ask(60, do="sing")
    with pytest.raises(Failed, match="died"):
        captum.ask(60, do="peak")


def test_memory_is_bounded(material: Material, captum: Worker) -> None:
    captum.ask(300, **loading(material, memory=2**23))
    with pytest.raises(Failed, match="out of memory"):
        captum.ask(60, batch=8, **INTEGRATE)


def test_time_is_bounded(captum: Worker) -> None:
    with pytest.raises(Failed, match="over 0 s"):
        captum.ask(0.01, do="peak")


def test_a_cell_from_both_sides_to_the_page(material: Material, tmp_path: Path) -> None:
    cell = Cell("captum", "integrated_gradients", TINY, SIZE, batch=2, targets=2)
    bounds = Bounds(threads=1, rounds=2, seconds=60, limit=60, memory=ENOUGH)
    record = measure(cell, material, {"whylight": sys.executable, "captum": sys.executable}, bounds, tmp_path)
    assert record["agreement"] > 0.9999
    assert len(record["ours"]["seconds"]) == len(record["peer"]["seconds"]) == len(record["forward"]) == 2
    assert record["ours"]["peak"] >= record["ours"]["first_peak"] > 0
    machine: dict[str, str | int] = {"processor": "any", "cores": 1, "memory": 1, "python": "3", "torch": "2"}
    assert "| captum | integrated_gradients | 2 | 2 |" in page([record], {}, machine, "abc")
