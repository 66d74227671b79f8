"""Which comparisons there are, and what their environments hold."""

from __future__ import annotations

from peers.cells import Cell, all_cells, chosen
from peers.environments import PEERS, requirements


def test_every_case_with_a_goal_is_measured() -> None:
    for model in ("ViT-B-32", "ViT-B-16", "ViT-L-14"):
        for batch in (1, 8):
            for size, prompts in ((224, 1), (224, 8), (224, 40), (448, 1), (448, 8)):
                assert Cell("legrad_torch", "legrad", model, size, batch, prompts) in all_cells()


def test_every_peer_is_measured_and_names_are_unique() -> None:
    assert {cell.peer for cell in all_cells()} == set(PEERS)
    assert len({cell.name for cell in all_cells()}) == len(all_cells())


def test_choosing_by_parts_of_names() -> None:
    found = chosen("ViT-B-16,batch1-,448px")
    assert [(cell.targets, cell.batch) for cell in found] == [(1, 1), (8, 1)]
    assert chosen("") == all_cells()
    assert chosen("no such cell") == []


def test_environments_are_pinned_to_our_torch() -> None:
    for peer in PEERS:
        wanted = requirements(peer)
        assert any(each.startswith("torch==") for each in wanted)
        assert all("==" in each and "+" not in each and "{" not in each for each in wanted)
