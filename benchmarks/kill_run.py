"""A run that is killed again and again, at random moments, compared with one that nobody disturbed.

    python benchmarks/kill_run.py --engine local --kills 100
    python benchmarks/kill_run.py --engine torchrun --kills 20      # two ranks; each kill takes one of them
    python benchmarks/kill_run.py --engine ray --kills 20           # the processes of Ray's actors and tasks

A run of 2,000 small pictures (one in 50 damaged) by the bundled model. With `local` and `torchrun` the processes are
forked from this one, which has imported everything, so that most of their life is work; ranks get the environment that
torchrun gives. After the last kill the run is finished, and its rows are compared with the undisturbed run's: the same
keys, each once, and every column equal to the last bit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # sums of other numbers of threads may differ in their last bits

import pyarrow.parquet  # noqa: F401
import torch
from PIL import Image

import whylight.maps.planning
import whylight.models.openclip.load
import whylight.runs.run
import whylight.scenes.load  # noqa: F401
from whylight.cli.main import main as whylight_main
from whylight.runs.store import finished, read_rows
from whylight.scenes import draw_scene

SIZES = {"shard": 20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["local", "torchrun", "ray"], default="local")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--shard-size", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    SIZES["shard"] = arguments.shard_size
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        draw(arguments.pictures)
        start = time.monotonic()
        wait([fork("undisturbed")[0]])
        seconds = time.monotonic() - start
        print(f"undisturbed: {seconds:.1f} s, {len(finished('undisturbed'))} shards", flush=True)
        disturb = {"local": local, "torchrun": torchrun, "ray": ray}[arguments.engine]
        killed = disturb(arguments.kills, seconds)
        compare(arguments.engine, killed)


def draw(count: int) -> None:
    Path("pictures").mkdir()
    for index in range(count):
        path = Path("pictures") / f"{index:05d}.png"
        Image.fromarray(draw_scene(10**9 + index % 200, 48).picture).save(path)
        if index % 50 == 7:
            path.write_bytes(path.read_bytes()[:500])


def words(out: str, *more: str) -> list[str]:
    asked = ["-p", "a ring", "--method", "legrad", "--precision", "float32"]
    return [
        "run",
        "pictures",
        *asked,
        "--shard-size",
        str(SIZES["shard"]),
        "--batch",
        str(SIZES["shard"] // 2),
        "--out",
        out,
        *more,
    ]


def fork(out: str, *more: str, **environment: str) -> tuple[int, int]:
    """A process that runs, and the end of a pipe where what it prints comes out."""
    events, printed = os.pipe()
    child = os.fork()
    if child:
        os.close(printed)
        return child, events
    status = 70
    try:
        os.dup2(printed, 1)
        os.dup2(os.open("stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ.update(environment)
        whylight_main(words(out, *more))
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait(children: list[int]) -> None:
    for child in children:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            said = Path("stderr.log").read_text()[-2000:]
            raise SystemExit(f"a process that nobody killed ended with {status}: {said}")


def kill(child: int) -> bool:
    """Whether it was still alive."""
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def linger(events: int, shards: float) -> None:
    """Wait until a process has stored some shards, on average so many, or is at a random moment before that."""
    steps = random.randint(0, round(2 * 2 * shards))  # a shard is two batches, each of which it tells
    with os.fdopen(events) as lines:
        for _ in range(steps):
            if not lines.readline():
                break
    time.sleep(random.uniform(0, 0.3))


def local(kills: int, seconds: float) -> int:
    killed = 0
    for number in range(kills):
        child, events = fork("killed", "--json")
        # So long that the last kill finds the run nearly done.
        linger(events, 2 * len(finished("undisturbed")) / kills)
        killed += kill(child)
        if number % 10 == 9:
            print(f"{killed} kills, {len(finished('killed'))} shards stored", flush=True)
    wait([fork("killed")[0]])
    return killed


def torchrun(kills: int, seconds: float) -> int:
    def ranks() -> list[tuple[int, int]]:
        made = []
        for rank in range(2):
            environment = {"RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank)}
            made.append(fork("killed", "--engine", "torchrun", "--json", **environment))
        return made

    killed = 0
    while killed < kills:
        both = ranks()
        random.shuffle(both)
        for child, events in both:  # one dies, the other goes on and dies later
            linger(events, len(finished("undisturbed")) / kills)
            killed += kill(child)
        print(f"{killed} kills, {len(finished('killed'))} shards stored", flush=True)
        if len(finished("killed")) == len(finished("undisturbed")):
            break
    wait([child for child, _ in ranks()])
    return killed


def ray(kills: int, seconds: float) -> int:
    command = [sys.executable, "-m", "whylight", *words("killed", "--engine", "ray", "--json")]
    with open("ray.log", "w") as log:
        driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert driver.stdout is not None
        killed, last = 0, time.monotonic()
        for line in driver.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and event["workers"] and killed < kills and time.monotonic() - last > 1:
                workers = ray_workers(driver.pid)
                if workers:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(random.choice(workers), signal.SIGKILL)
                        killed, last = killed + 1, time.monotonic()
                        print(f"{killed} kills, {event['done']} pictures done", flush=True)
        status = driver.wait()
    print(Path("ray.log").read_text()[-1500:])
    if status:
        raise SystemExit(f"the driver, which nobody killed, ended with {status}")
    return killed


def ray_workers(driver: int) -> list[int]:
    """Processes of the driver's actors and tasks at work; those of other people's clusters are left alone."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if command.read_bytes().startswith(b"ray::Map") and comes_from(int(command.parent.name), driver):
                found.append(int(command.parent.name))
    return found


def comes_from(process: int, ancestor: int) -> bool:
    while process > 1 and process != ancestor:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process == ancestor


def compare(engine: str, killed: int) -> None:
    def rows(folder: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = read_rows(folder).to_pylist()
        return sorted(found, key=lambda row: str(row["key"]))

    ours, theirs = rows("killed"), rows("undisturbed")
    twice = len(ours) - len({row["key"] for row in ours})
    different = sum(a != b for a, b in zip(ours, theirs, strict=False))
    left = sum(path.name.startswith(".") for path in Path("killed/rows").iterdir())
    failed = sum(row["status"] != "ok" for row in ours)
    print(
        f"{engine}: {killed} processes killed; {len(ours)} rows ({len(theirs)} undisturbed), {failed} of damaged "
        f"pictures, {twice} keys twice, {different} rows different, {left} files left over"
    )
    if twice or different or left or len(ours) != len(theirs):
        raise SystemExit("something was lost, or done twice")


if __name__ == "__main__":
    main()
