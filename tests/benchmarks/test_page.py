"""The page of results, on made figures."""

from __future__ import annotations

from typing import Any

import pytest
from peers import page as pages

MACHINE: dict[str, str | int] = {"processor": "Abacus", "cores": 2, "memory": 8, "python": "3.11.7", "torch": "2.15.0"}
MB = 2**20


def record(
    targets: int = 1, *, size: int = 224, batch: int = 1, ours: float = 2.0, theirs: float = 6.0, **changes: Any
) -> dict[str, Any]:
    cell = {"peer": "legrad_torch", "method": "legrad", "model": "ViT-B-16", "size": size, "batch": batch}
    return {
        "cell": {**cell, "targets": targets},
        "date": "2026-11-21",
        "threads": 2,
        "limit": 240.0,
        "memory": 8 * 2**30,
        "versions": {"legrad-torch": "1.1", "open-clip-torch": "2.23.0"},
        "ours": {"first": ours, "seconds": [ours] * 3, "first_peak": 100 * MB, "peak": 120 * MB},
        "forward": [1.0] * 3,
        "peer": {"first": theirs, "seconds": [theirs] * 3, "first_peak": 600 * MB, "peak": 600 * MB},
        "agreement": 0.99999,
        **changes,
    }


def cells_of(text: str, row: int = 0) -> dict[str, str]:
    """A row of a markdown table by column; a second column of one name is told by a star."""
    lines = [[cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines()]
    head: list[str] = []
    for name in lines[0]:
        head.append(f"{name}*" if name in head else name)
    return dict(zip(head, lines[2 + row], strict=True))


@pytest.mark.parametrize(
    ("targets", "theirs", "told"),
    [
        (1, 2.0, "1 reached"),
        (1, 1.9, "1 **missed**"),
        (8, 6.0, "3 reached"),
        (8, 5.9, "3 **missed**"),
        (40, 10.0, "5 reached"),
    ],
)
def test_speed_goals(targets: int, theirs: float, told: str) -> None:
    assert cells_of(pages.against_legrad_torch([record(targets, theirs=theirs)]))["goal"] == told


def test_speed_has_goals_at_batch_one_only() -> None:
    assert cells_of(pages.against_legrad_torch([record(batch=8)]))["goal"] == ""


def test_ratio_is_the_median_of_rounds_not_the_ratio_of_medians() -> None:
    uneven = record()
    uneven["ours"]["seconds"], uneven["peer"]["seconds"] = [1.0, 10.0, 2.0], [2.0, 50.0, 2.0]
    assert cells_of(pages.against_legrad_torch([uneven]))["times as fast"] == "2.0 (1.0 to 5.0)"


@pytest.mark.parametrize(("peak", "told"), [(150, "0.25 reached"), (151, "0.25 **missed**")])
def test_memory_goal_counts_what_we_keep_and_not_what_the_peer_keeps(peak: int, told: str) -> None:
    measured = record(size=448)
    measured["ours"]["peak"] = peak * MB
    measured["peer"]["peak"] = 5000 * MB
    row = cells_of(pages.against_legrad_torch([measured]))
    assert row["goal*"] == told
    assert row["memory"] == f"100 MB ({peak} MB)"


def test_a_peer_out_of_time_gives_a_lower_bound() -> None:
    late = record(40, failed="over 240 s")
    del late["peer"], late["agreement"]
    row = cells_of(pages.against_legrad_torch([late]))
    assert (row["legrad_torch"], row["times as fast"], row["goal"]) == ("over 240 s", "> 120.0", "5 reached")


def test_a_peer_out_of_memory_is_no_ratio() -> None:
    full = record(8, size=448, failed="out of memory")
    del full["peer"], full["agreement"]
    row = cells_of(pages.against_legrad_torch([full]))
    assert (row["legrad_torch"], row["times as fast"], row["goal"]) == ("out of memory", "", "3 (not comparable)")
    assert row["goal*"] == "0.25 (not comparable)"
    assert "8 GB above the loaded model" in pages.page([full], {}, MACHINE, "abc")


def test_maps_that_differ_are_told() -> None:
    assert cells_of(pages.against_legrad_torch([record(agreement=0.98)]))["ranks"] == "0.98000 **differ**"
    assert cells_of(pages.against_legrad_torch([record(agreement=float("nan"))]))["ranks"] == "nan **differ**"


def test_each_further_prompt_against_the_forward_pass() -> None:
    text = pages.against_forward([record(8, ours=4.0), record(1, ours=1.44), record(8, batch=8, ours=99.0)])
    one, eight = cells_of(text), cells_of(text, 1)
    assert (one["forward passes"], one["goal"], one["each further prompt"]) == ("1.44", "1.45 reached", "")
    assert (eight["forward passes"], eight["each further prompt"], eight["goal*"]) == ("4.00", "0.37", "0.38 reached")


def test_the_page_names_machine_day_versions_and_what_is_missing() -> None:
    text = pages.page([record()], {"captum": "no wheel"}, MACHINE, "abc123")
    for part in ("Abacus, 2 cores", "torch 2.15.0", "2026-11-21", "abc123", "legrad-torch 1.1, open-clip-torch 2.23.0"):
        assert part in text
    assert "**captum** could not be installed here: no wheel" in text


def test_a_page_without_figures_says_so() -> None:
    assert "Nothing has been measured yet." in pages.page([], {}, MACHINE, "")
