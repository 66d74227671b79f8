"""What a stopped run finds again."""

from __future__ import annotations

from pathlib import Path

import against_peers
import pytest
from peers import machine
from peers.cells import Cell

CELL = Cell("captum", "integrated_gradients", "test_vit", 160, 1, 1)


def test_a_stored_cell_counts_on_the_machine_that_measured_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(against_peers, "STORE", tmp_path)
    assert against_peers.measured(CELL) is None
    record = {"commit": "abc", "machine": machine.machine()}
    against_peers.store(CELL, record)
    assert against_peers.measured(CELL) == record
    monkeypatch.setattr(machine, "machine", lambda: {**record["machine"], "torch": "0.4"})
    assert against_peers.measured(CELL) is None
