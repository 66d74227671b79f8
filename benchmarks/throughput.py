"""Pictures per second of `whylight run`, beside plain encoding (the bound) and LeGrad's own code in its natural loop.

    python benchmarks/throughput.py --model ViT-B-16 --pictures 24 --rounds 3 --peer FOLDER

Everything works on the same JPEG files with the same random weights, in turn, several rounds; ratios are of the same
round, and their median is printed: once by the clock, once by processor time, which says more on a machine that others
use too. `encode` runs on pixels that are ready, with no reading, decoding or writing.
`explain` is the same for LeGrad: what `run` would take if reading and writing were free. `run` does everything, but for
loading the model. --peer is a folder made by

    pip install --no-deps --target FOLDER legrad_torch==1.1 open_clip_torch==2.23.0 einops opencv-python-headless

--memory N instead explains N small pictures with the bundled model and prints on the way the memory that stays: the
least that was resident while the last 2,500 pictures were explained.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from whylight.maps.planning import plan_maps
from whylight.maps.settings import Wanted
from whylight.runs.plan import Plan
from whylight.runs.progress import Standing
from whylight.runs.run import execute
from whylight.scenes import draw_scene

BATCH = 8
LOOKED_BACK = 2500
"""Pictures over which the least memory counts: what a batch takes while it is computed comes and goes."""
PROMPTS = tuple(f"a photo of thing number {index}" for index in range(10))


@dataclass(frozen=True)
class Rate:
    """Pictures per second, and per second of processor time of the whole process."""

    clock: float
    processor: float


class Watch:
    def __init__(self) -> None:
        self._clock, self._processor = time.perf_counter(), time.process_time()

    def rate(self, pictures: int) -> Rate:
        clock, processor = time.perf_counter() - self._clock, time.process_time() - self._processor
        return Rate(pictures / clock, pictures / processor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ViT-B-16")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--peer-pictures", type=int, default=3)
    parser.add_argument("--memory", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.memory:
            memory(Path(folder), arguments.memory)
        else:
            rates(Path(folder), arguments)


def draw_pictures(folder: Path, count: int, size: tuple[int, int]) -> list[Path]:
    """JPEG files as large as photographs on the web."""
    folder.mkdir()
    paths = []
    for index in range(count):
        scene = Image.fromarray(draw_scene(10**9 + index % 100, 96).picture)
        paths.append(folder / f"{index:06d}.jpg")
        scene.resize(size, Image.Resampling.BICUBIC).save(paths[-1], quality=90)
    return paths


def rates(folder: Path, arguments: argparse.Namespace) -> None:
    paths = draw_pictures(folder / "pictures", arguments.pictures, (500, 375))
    torch.manual_seed(0)
    model = open_clip.create_model(arguments.model)
    weights = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, weights)
    del model
    plans = {count: plan(folder, arguments.model, weights, count) for count in (1, 10)}
    ways: dict[str, Callable[[], Rate]] = {"encode": encoder(plans[1])}
    for count in (1, 10):
        ways[f"explain, {count} prompts"] = explainer(plans[count])
        ways[f"run, {count} prompts"] = runner(plans[count], folder, count)
    if arguments.peer:
        peer = Peer(arguments.peer, arguments.model, weights, paths[: arguments.peer_pictures])
        for count in (1, 10):
            ways[f"legrad_torch, {count} prompts"] = lambda count=count: peer.rate(count)  # type: ignore[misc]
    measured: dict[str, list[Rate]] = {name: [] for name in ways}
    for number in range(arguments.rounds + 1):
        for name, way in ways.items():
            rate = way()
            if number:  # the first round warms up
                measured[name].append(rate)
        print(f"round {number}: " + ", ".join(f"{n} {r[-1].clock:.2f}/s" for n, r in measured.items() if r), flush=True)
    table(arguments.model, measured)


def table(model: str, measured: dict[str, list[Rate]]) -> None:
    print(f"\n{model}, batch {BATCH}, {torch.get_num_threads()} threads\n")
    print("| | pictures/s | of encode | of encode, processor time | times legrad_torch | the same, processor time |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, rates in measured.items():
        peer = measured.get(f"legrad_torch, {name.partition(', ')[2]}")
        cells = [f"{statistics.median(rate.clock for rate in rates):.2f}"]
        for other in (measured["encode"], peer):
            for kind in ("clock", "processor"):
                cells.append("-" if other is None else f"{ratio(rates, other, kind):.2f}")
        print(f"| {name} | {' | '.join(cells)} |")
    for count in (1, 10):
        run, explain = measured[f"run, {count} prompts"], measured[f"explain, {count} prompts"]
        costs = [f"{100 * (1 - ratio(run, explain, kind)):.1f} % of the {kind}" for kind in ("clock", "processor")]
        print(f"\nReading, decoding and writing cost {' and '.join(costs)} with {count} prompts.")


def ratio(some: list[Rate], others: list[Rate], kind: str) -> float:
    return statistics.median(getattr(a, kind) / getattr(b, kind) for a, b in zip(some, others, strict=True))


def plan(folder: Path, model: str, weights: Path, count: int) -> Plan:
    return plan_maps(
        Wanted(
            pictures=(str(folder / "pictures"),),
            out=str(folder / f"plan-{count}"),
            prompts=PROMPTS[:count],
            model=f"openclip:{model}/{weights}",
            batch_size=BATCH,
        )
    )


def decoded(planned: Plan) -> list[list[object]]:
    read = planned.maker.reader(None)
    items = [read(sample) for number in planned.read.numbers for sample in planned.read.samples(number)]
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


def encoder(planned: Plan) -> Callable[[], Rate]:
    batches = [torch.stack([item.pixels for item in batch]) for batch in decoded(planned)]  # type: ignore[attr-defined]
    module = planned.maker.view.module  # type: ignore[attr-defined]

    def rate() -> Rate:
        watch = Watch()
        with torch.inference_mode():
            for pixels in batches:
                module.encode_image(pixels, normalize=True)
        return watch.rate(sum(map(len, batches)))

    return rate


def explainer(planned: Plan) -> Callable[[], Rate]:
    batches = decoded(planned)

    def rate() -> Rate:
        watch = Watch()
        for batch in batches:
            planned.maker.rows(batch)
        return watch.rate(sum(map(len, batches)))

    return rate


def runner(planned: Plan, folder: Path, count: int) -> Callable[[], Rate]:
    number = 0

    def rate() -> Rate:
        nonlocal number
        number += 1
        out = folder / f"run-{count}-{number}"
        shutil.copytree(folder / f"plan-{count}", out)  # the list of its shards was written there
        watch = Watch()
        execute(planned, out)
        return watch.rate(sum(planned.read.size(shard) for shard in planned.read.numbers))

    return rate


class Peer:
    """legrad_torch in a process of its own, which waits while others are measured."""

    def __init__(self, folder: Path, model: str, weights: Path, paths: list[Path]) -> None:
        environment = os.environ | {"PYTHONPATH": str(folder)}
        request = json.dumps({"model": model, "weights": str(weights), "paths": [str(path) for path in paths]})
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PEER, request],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def rate(self, count: int) -> Rate:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        while not (line := self._process.stdout.readline()).startswith("rate "):
            if not line:
                raise SystemExit("legrad_torch ended")
        return Rate(*map(float, line.split()[1:]))


_PEER = """
import json, sys, time
import open_clip, torch
from legrad import LeWrapper
from PIL import Image
from safetensors.torch import load_file
asked = json.loads(sys.argv[1])
model, _, preprocess = open_clip.create_model_and_transforms(asked["model"])
model.load_state_dict(load_file(asked["weights"]))
tokens = open_clip.get_tokenizer(asked["model"])([f"a photo of thing number {i}" for i in range(10)])
wrapped = LeWrapper(model.eval(), layer_index=0)
texts = wrapped.encode_text(tokens, normalize=True).detach()
for line in sys.stdin:
    clock, processor = time.perf_counter(), time.process_time()
    for path in asked["paths"]:
        picture = preprocess(Image.open(path)).unsqueeze(0)
        wrapped.compute_legrad(texts[: int(line)], picture).detach()
    count = len(asked["paths"])
    print("rate", count / (time.perf_counter() - clock), count / (time.process_time() - processor), flush=True)
"""


def memory(folder: Path, count: int) -> None:
    """Resident memory while many small pictures are explained: the same 1,000 files, listed again and again."""
    paths = draw_pictures(folder / "pictures", 1000, (96, 96))
    rows = [json.dumps({"path": str(paths[index % len(paths)])}) for index in range(count)]
    (folder / "table.jsonl").write_text("\n".join(rows))
    planned = plan_maps(
        Wanted(
            pictures=(str(folder / "table.jsonl"),),
            out=str(folder / "run"),
            prompts=("a ring",),
            methods="raw_attention",
            batch_size=64,
        )
    )
    steps = sorted({5000, 10000, *np.linspace(count / 5, count, 5).astype(int).tolist()})
    held: list[float] = []

    def look(standing: Standing) -> None:
        if not steps or standing.done < steps[0] - LOOKED_BACK:
            return
        held.append(resident())
        if standing.done >= steps[0]:
            print(f"{steps.pop(0):,} pictures: {min(held):.1f} MB, {standing.per_second:.0f}/s", flush=True)
            held.clear()

    execute(planned, folder / "run", progress=look)


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
