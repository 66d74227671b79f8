"""A run that is killed for real, in the middle of a shard, and started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.reports.summary import summarize
from whylight.runs.manifest import settings_of
from whylight.runs.part import Part
from whylight.runs.run import Engine, execute
from whylight.runs.store import finished, read_rows

WANTED = {
    "benchmark": "scenes-segmentation",
    "data": None,
    "model": "scenes",
    "methods": "raw_attention",
    "limit": 10,
    "shard_size": 4,
    "batch_size": 1,
}
CHILD = """
import json, sys
from pathlib import Path
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.runs.run import execute

def say(standing):
    print(standing.done, flush=True)

execute(plan(Wanted(**json.loads(sys.argv[2]))), Path(sys.argv[1]), progress=say)
"""


@pytest.fixture(scope="module")
def planned():
    return plan(Wanted(**WANTED))


@pytest.fixture(scope="module")
def undisturbed(planned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    execute(planned, folder)
    return folder


def kill_after(folder: Path, pictures: int) -> None:
    """Start the run in another process and kill it as soon as it has done so many pictures."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), json.dumps(WANTED)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= pictures:
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL


def rows(folder: Path) -> list[dict]:
    return read_rows(folder).to_pylist()


def test_a_killed_run_continues_and_ends_with_the_same_rows(planned, undisturbed, tmp_path):
    folder = tmp_path / "run"
    kill_after(folder, 6)
    assert finished(folder) == {0}, "the second shard was in the middle"
    first = (folder / "rows" / "shard-00000.parquet").stat()
    # What a kill in the middle of writing leaves behind.
    (folder / "rows" / ".shard-00001.12345").write_bytes(b"half a file")
    counts: list[int] = []
    execute(planned, folder, progress=lambda standing: counts.append(standing.done))
    assert counts[0] == 4, "it starts from what is stored"
    assert counts[-1] == 10
    assert finished(folder) == {0, 1, 2}
    again = (folder / "rows" / "shard-00000.parquet").stat()
    assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns), "a stored shard is not touched"
    assert rows(folder) == rows(undisturbed)
    keys = [(row["picture"], row["label"], row["method"]) for row in rows(folder)]
    assert len(set(keys)) == len(keys)


def test_a_finished_run_does_nothing_again(planned, undisturbed):
    before = {path.name: path.stat().st_mtime_ns for path in (undisturbed / "rows").iterdir()}
    execute(planned, undisturbed)
    assert {path.name: path.stat().st_mtime_ns for path in (undisturbed / "rows").iterdir()} == before


def test_parts_of_a_job_array_share_a_folder(planned, undisturbed, tmp_path):
    execute(planned, tmp_path / "run", part=Part.parse("1/2"))
    assert finished(tmp_path / "run") == {1}
    assert summarize(tmp_path / "run").shards == (1, 3)
    execute(planned, tmp_path / "run", part=Part.parse("0/2"))
    assert rows(tmp_path / "run") == rows(undisturbed)


def test_workers_decode_the_same(planned, undisturbed, tmp_path):
    execute(planned, tmp_path / "run", workers=1)
    assert rows(tmp_path / "run") == rows(undisturbed)


def test_ranks_take_over_what_others_left(planned, undisturbed, tmp_path, monkeypatch):
    for rank, world in (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS")):
        monkeypatch.setenv(rank, "1")
        monkeypatch.setenv(world, "2")
        counts: list[int] = []
        execute(
            planned, tmp_path / rank, engine=Engine("torchrun"), progress=lambda said, to=counts: to.append(said.total)
        )
        assert rows(tmp_path / rank) == rows(undisturbed)
        assert counts[0] == 4, "its own share is one shard of three"
        monkeypatch.delenv(rank)
    with pytest.raises(BadInput, match="torchrun --nproc-per-node"):
        execute(planned, tmp_path / "none", engine=Engine("torchrun"))


@pytest.mark.parametrize("text", ["2/2", "-1/2", "1", "a/b"])
def test_a_part_that_does_not_exist(text):
    with pytest.raises(BadInput, match="i/n"):
        Part.parse(text)


def test_other_settings_are_refused(undisturbed):
    for change in ({"limit": 11}, {"methods": "legrad"}, {"shard_size": 5}, {"benchmark": "scenes-pointing"}):
        with pytest.raises(BadInput, match="other settings"):
            execute(plan(Wanted(**(WANTED | change))), undisturbed)
    assert settings_of(undisturbed, Settings).pictures == 10


def test_a_folder_with_something_else_is_left_alone(planned, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"thesis\.txt"):
        execute(planned, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.txt"]


def test_the_manifest_says_what_a_row_depends_on(undisturbed):
    content = json.loads((undisturbed / "manifest.json").read_text())
    settings = content["settings"]
    assert list(settings["methods"]) == ["raw_attention", "centre", "random"]
    assert settings["protocol"] == "segmentation"
    assert settings["data"]["fingerprint"]
    assert settings["model_digest"]
    assert content["environment"]["packages"]["torch"]
    assert content["environment"]["machine"]["cpu_count"]
