"""Runs of maps that are killed for real, at chosen moments, and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runs.forked import KILLED, Server

from whylight.cli.main import main
from whylight.runs.store import finished, read_rows
from whylight.scenes import draw_scene

PICTURES, SHARD = 22, 4
MOMENTS = [("batch", 1), ("batch", 4), ("writing", 2), ("aside", 3), ("stored", 3)]
RAN: tuple[str, ...] = (
    *("run", "pictures", "-p", "a red star", "-p", "a ring", "--method", "legrad,raw_attention"),
    *("--shard-size", str(SHARD), "--batch", "3", "--precision", "float32", "--overlays", "tar"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, three of which are damaged."""
    folder = tmp_path_factory.mktemp("kills")
    (folder / "pictures").mkdir()
    for index in range(PICTURES):
        path = folder / "pictures" / f"{index:02d}.png"
        Image.fromarray(draw_scene(10**9 + index, 64).picture).save(path)
        if index in (3, 8, 9):
            path.write_bytes(path.read_bytes()[: 300 * (index - 3)])
    return folder


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    started = Server(place)
    yield started
    started.close()


@pytest.fixture(scope="module")
def undisturbed(server: Server, place: Path) -> list[dict[str, Any]]:
    assert server.run(command("undisturbed")) == [0]
    return rows(place / "undisturbed")


def command(out: str, *more: str, **how: Any) -> dict[str, Any]:
    return {"words": [*RAN, "--out", out, *more], **how}


def rows(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_rows(folder).to_pylist()
    return found


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: (row["key"], row["method"] or "", row["target"] or ""))


def check_whole(folder: Path, undisturbed: list[dict[str, Any]]) -> None:
    """Every row once, the same to the last bit, and nothing left over."""
    found = rows(folder)
    assert found == undisturbed
    names = [(row["key"], row["target"], row["method"]) for row in found]
    assert len(set(names)) == len(names)
    assert len({row["key"] for row in found}) == PICTURES
    left = [path.name for path in (folder / "rows").iterdir() if path.name.startswith(".")]
    assert left == []
    assert len(list((folder / "overlays").iterdir())) == -(-PICTURES // SHARD)


def test_undisturbed(undisturbed: list[dict[str, Any]]) -> None:
    statuses = {row["key"]: row["status"] for row in undisturbed}
    assert len(statuses) == PICTURES
    bad = {key.rpartition("/")[2]: status for key, status in statuses.items() if status != "ok"}
    assert bad == {"03.png": "empty-file", "08.png": "damaged-picture", "09.png": "damaged-picture"}
    assert len(undisturbed) == 19 * 4 + 3


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[0]}-{moment[1]}")
def test_a_killed_run_goes_on(
    moment: tuple[str, int], server: Server, place: Path, undisturbed: list[dict[str, Any]]
) -> None:
    out = f"local-{moment[0]}-{moment[1]}"
    assert server.run(command(out, die=moment)) == [KILLED]
    before = {path.name: path.stat().st_mtime_ns for path in (place / out).glob("rows/shard-*")}
    assert len(before) < 6
    assert server.run(command(out)) == [0]
    check_whole(place / out, undisturbed)
    after = {path.name: path.stat().st_mtime_ns for path in (place / out).glob("rows/shard-*")}
    assert before.items() <= after.items(), "what was stored is not done again"


def ranks(out: str, *deaths: tuple[str, int] | None) -> list[dict[str, Any]]:
    """What torchrun starts: processes that know their rank."""
    made = []
    for rank, death in enumerate(deaths):
        environment = {"RANK": str(rank), "WORLD_SIZE": str(len(deaths)), "LOCAL_RANK": str(rank)}
        made.append(command(out, "--engine", "torchrun", env=environment, **({"die": death} if death else {})))
    return made


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[0]}-{moment[1]}")
def test_a_dead_rank_costs_its_shard_in_flight(
    moment: tuple[str, int], server: Server, place: Path, undisturbed: list[dict[str, Any]]
) -> None:
    out = f"ranks-{moment[0]}-{moment[1]}"
    dying, other = ranks(out, (moment[0], min(moment[1], 3)), None)  # a rank has three shards
    assert server.run(dying) == [KILLED]
    assert len(finished(place / out)) <= 3
    assert server.run(other) == [0], "it takes over what the dead one left"
    check_whole(place / out, undisturbed)


def test_ranks_beside_each_other(server: Server, place: Path, undisturbed: list[dict[str, Any]]) -> None:
    assert server.run(*ranks("both", ("batch", 3), None)) == [KILLED, 0]
    assert len(finished(place / "both")) >= 3, "its own part is done"
    assert server.run(*ranks("both", None, None)) == [0, 0]
    check_whole(place / "both", undisturbed)


def test_torchrun_itself_starts_the_ranks(place: Path, undisturbed: list[dict[str, Any]]) -> None:
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "whylight")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *launch, *RAN, "--out", "torchrun", "--engine", "torchrun"]
    ran = subprocess.run(command, cwd=place, env=environment, timeout=300, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-3000:]
    check_whole(place / "torchrun", undisturbed)


def test_runs_into_one_folder_share_the_work(server: Server, place: Path, undisturbed: list[dict[str, Any]]) -> None:
    assert server.run(command("shared"), command("shared"), command("shared")) == [0, 0, 0]
    assert server.run(command("shared")) == [0]
    check_whole(place / "shared", undisturbed)


def test_other_settings_are_refused(server: Server, undisturbed: list[dict[str, Any]], place: Path) -> None:
    for change in (("--batch", "4"), ("-p", "a dog"), ("--top", "1"), ("--fit", "pad"), ("--model", "scenes-siglip")):
        assert server.run(command("undisturbed", *change)) == [2]
    assert rows(place / "undisturbed") == undisturbed


def test_a_worker_that_is_killed_is_replaced(place: Path, undisturbed: list[dict[str, Any]]) -> None:
    """A decoding process is killed while the run goes on."""
    words = [*RAN, "--out", "workers", "--workers", "1", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-m", "whylight", *words], cwd=place, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    killed: list[int] = []
    for line in child.stdout:
        if json.loads(line)["event"] == "progress" and not killed:
            for worker in _decoding(child.pid)[:1]:
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)
    assert child.wait(60) == 0
    assert killed
    check_whole(place / "workers", undisturbed)


def _decoding(parent: int) -> list[int]:
    """Processes that multiprocessing started below a process."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            words = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == parent and b"spawn_main" in words:
            found.append(int(status.parent.name))
    return found


def test_a_ray_cluster_that_is_not_there_is_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ray = pytest.importorskip("ray", reason="the extra whylight[ray] is not installed")

    def init(**how: Any) -> None:
        raise ConnectionError(f"Could not find any running Ray instance at {how['address']}.\nPlease start one.")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.chdir(place)
    with pytest.raises(SystemExit) as stopped:
        main([*RAN, "--out", "nowhere", "--engine", "ray", "--address", "10.0.0.1:1"])
    assert stopped.value.code
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("no Ray cluster at 10.0.0.1:1: Could not find any running Ray instance at 10.0.0.1:1.")


def test_ray_does_again_what_a_dead_actor_had(place: Path, undisturbed: list[dict[str, Any]]) -> None:
    pytest.importorskip("ray", reason="the extra whylight[ray] is not installed")
    words = [*RAN, "--out", "ray", "--engine", "ray", "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-m", "whylight", *words],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    killed: set[str] = set()
    for line in child.stdout:
        event = json.loads(line)
        for worker in event.get("workers", {}):
            if worker not in killed and len(killed) < 2:
                killed.add(worker)
                os.kill(int(worker.rpartition(" ")[2]), signal.SIGKILL)
    assert child.wait(120) == 0
    assert killed
    assert in_order(rows(place / "ray")) == in_order(undisturbed)


def test_maps_come_back(place: Path, undisturbed: list[dict[str, Any]]) -> None:
    import whylight

    found = list(whylight.read_maps(place / "undisturbed", method="legrad", pictures=False))
    stored = [row for row in undisturbed if row["method"] == "legrad"]
    assert len(found) == 19
    assert all(one.targets == ("a red star", "a ring") for one in found)
    flat = np.concatenate([one.relevance.flatten().numpy() for one in found])
    assert np.array_equal(flat, np.concatenate([row["relevance"] for row in stored]).astype(np.float32))
