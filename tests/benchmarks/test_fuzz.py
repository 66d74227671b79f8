"""500 of the inputs of ``benchmarks/fuzz.py``: none ends in a traceback, a hang or a silent wrong answer."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import fuzz
import pytest
from fuzzing.damage import damaged
from fuzzing.kinds import SHARES
from fuzzing.trial import Attempt, Outcome, check, trial
from fuzzing.worker import tried_in_worker

from whylight.errors import BadInput

SEED, INPUTS = 16, 500


def test_nothing_breaks() -> None:
    outcomes = fuzz.tried(fuzz.shared(INPUTS, list(SHARES)), SEED)
    broken = [f"{o.kind}:{o.number} {o.column}: {o.said}" for o in outcomes if o.column in fuzz.FAULTS]
    assert not broken, "\n".join(broken)
    assert len(outcomes) == INPUTS
    assert {outcome.kind for outcome in outcomes} == set(SHARES)


def refuses(random: Random, folder: Path) -> str | None:
    raise BadInput("no")


def refuses_at_length(random: Random, folder: Path) -> str | None:
    return "no\nreally"


def names_a_part(random: Random, folder: Path) -> str | None:
    return "one of two"


def breaks(random: Random, folder: Path) -> str | None:
    raise KeyError("x")


def is_wrong(random: Random, folder: Path) -> str | None:
    check(False, "two and two are five")
    return None


def answers(random: Random, folder: Path) -> str | None:
    return None


@pytest.mark.parametrize(
    ("attempt", "column", "said"),
    [
        (refuses, "one line", "no"),
        (names_a_part, "one line", "one of two"),
        (refuses_at_length, "wrong", "not one line"),
        (breaks, "traceback", "KeyError"),
        (is_wrong, "wrong", "five"),
        (answers, "result", ""),
    ],
)
def test_every_end_has_its_column(attempt: Attempt, column: str, said: str, tmp_path: Path) -> None:
    outcome = trial("kind", attempt, 0, 3, tmp_path)
    assert (outcome.kind, outcome.number, outcome.column) == ("kind", 3, column)
    assert said in outcome.said


def test_the_same_numbers_make_the_same_input() -> None:
    data = bytes(range(256)) * 4
    made = [damaged(data, Random(f"0 kind {number}"), [data[::-1]]) for number in range(50)]
    assert made == [damaged(data, Random(f"0 kind {number}"), [data[::-1]]) for number in range(50)]
    assert all(change.data != data for change in made if change.how in ("flip", "cut", "lost", "doubled"))
    for change in made:
        assert change.data[: change.touched[0]] == data[: change.touched[0]]
        if change.how in ("blank", "extreme"):
            assert change.data[change.touched[1] :] == data[change.touched[1] :]


def test_a_hang_and_a_death_are_named_and_the_next_input_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "serving.py"
    script.write_text(
        "import json, os, sys, time\n"
        "for line in sys.stdin:\n"
        "    asked = json.loads(line)\n"
        "    if asked.get('number') == 1: time.sleep(60)\n"
        "    if asked.get('number') == 2: os._exit(3)\n"
        "    print(json.dumps({'kind': 'k', 'number': asked.get('number', 0), 'column': 'result'}), flush=True)\n"
    )
    monkeypatch.setattr("fuzzing.worker._SCRIPT", script.with_suffix(""))
    started = time.monotonic()
    outcomes = list(tried_in_worker([("k", number) for number in range(4)], 0, 1.0))
    assert [outcome.column for outcome in outcomes] == ["result", "hang", "traceback", "result"]
    assert "exit status 3" in outcomes[2].said
    assert time.monotonic() - started < 30


def test_the_table_counts_every_outcome() -> None:
    outcomes = [Outcome("a", 0, "result"), Outcome("a", 1, "wrong"), Outcome("b", 0, "one line")]
    assert fuzz.table(outcomes).splitlines()[2:] == [
        "| a | 2 | 0 | 1 | 0 | 0 | 1 |",
        "| b | 1 | 1 | 0 | 0 | 0 | 0 |",
        "| all | 3 | 1 | 1 | 0 | 0 | 1 |",
    ]


def test_all_kinds_have_a_share_of_a_hundred() -> None:
    assert sum(SHARES.values()) == 100
    first = fuzz.shared(100, list(SHARES))
    assert {kind: sum(other == kind for other, _ in first) for kind in SHARES} == SHARES
