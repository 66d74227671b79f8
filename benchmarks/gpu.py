"""LeGrad on a CUDA GPU: pictures per second, peak memory, and the kernels against what the GPU could do at best.

    make bench-gpu                                  # or: python benchmarks/gpu.py --minutes 8 --peer FOLDER
    python benchmarks/gpu.py --small --out FOLDER   # the same way through, on a CPU with a tiny model

Writes gpu.md and gpu.json, anew after every part, so that a run that is cut short leaves what it measured. What does
not fit into the time is skipped and named.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from on_gpu.cells import Budget, Cell, measure_all
from on_gpu.floor import measure_rates
from on_gpu.models import CLIPS, build
from on_gpu.page import page
from on_gpu.peer import measure_peer
from on_gpu.reductions import measure_reductions
from peers.machine import commit, machine

import whylight

BATCHES, PROMPTS = (1, 8, 64), (0, 1, 10, 100, 1000)
PEER_SECONDS = 75
"""What legrad_torch may take of the time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=8.0, help="what the whole run may take")
    parser.add_argument("--peer", type=Path, help="folder with legrad_torch and its OpenCLIP: on_gpu/peer.py says how")
    parser.add_argument("--small", action="store_true", help="a tiny model on the CPU: shows that all of it runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder for gpu.md and gpu.json")
    arguments = parser.parse_args()
    if not arguments.small and not torch.cuda.is_available():
        raise SystemExit("this benchmark needs a CUDA GPU, and torch sees none; --small runs all of it on the CPU")
    device, dtype = ("cpu", torch.float32) if arguments.small else ("cuda", torch.bfloat16)
    names, batches, prompts = (("tiny",), (1, 2), (0, 1, 3)) if arguments.small else (CLIPS, BATCHES, PROMPTS)
    start, budget = time.perf_counter(), Budget(60 * arguments.minutes)

    side, copied = (256, 2**20) if arguments.small else (8192, 2**32)
    rates = measure_rates(device, dtype, side, copied)
    report: dict[str, Any] = {
        "device": machine()["processor"] if arguments.small else torch.cuda.get_device_name(),
        "dtype": str(dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "triton": _version("triton"),
        "commit": commit(Path(__file__).resolve().parents[1]),
        "command": " ".join(["python", *sys.argv]),
        "rates": {"operations": rates.operations, "bytes": rates.bytes},
        "models": list(names),
        "cells": [],
        "reductions": [],
        "peer": [],
    }

    def keep(part: str, result: dict[str, object]) -> None:
        report[part].append(result)
        print(part, json.dumps(result), flush=True)
        report["seconds"] = time.perf_counter() - start
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "gpu.json").write_text(json.dumps(report, indent=1) + "\n")
        (arguments.out / "gpu.md").write_text(page(report))

    models = {}
    for name in names:
        module, tower = build(name, device, dtype)
        models[name] = whylight.wrap(module, name=name), tower
    batch, targets = (1, 2) if arguments.small else (16, 16)
    for kind in (dtype, torch.float16 if arguments.small else torch.float32):
        ceilings = measure_rates(device, kind, side, copied)
        for _, tower in models.values():
            for result in measure_reductions(tower, batch, targets, device, kind, ceilings):
                keep("reductions", result)
    if arguments.peer:
        limit = min(PEER_SECONDS, budget.left / 4)
        for result in measure_peer(arguments.peer, list(names), device, dtype, limit):
            keep("peer", result)
    cells = [Cell(name, batch, count) for name in names for batch in batches for count in prompts]
    for result in measure_all(cells, models, device, rates, budget):
        keep("cells", result)
    print((arguments.out / "gpu.md").read_text())


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


if __name__ == "__main__":
    main()
