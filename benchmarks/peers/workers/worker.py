"""The worker's side of the benchmark: one model in one environment, asked over lines of JSON.

    {"do": "load", ...}                                            {"versions": {...}}
    {"do": "run", "what": NAME, "batch": 1, "targets": 8, "save": PATH or null}    {"seconds": 0.31}
    {"do": "peak"}                                                 {"above": bytes}

A worker file gives :func:`serve` a function that loads its model and returns what can be run, by name: each a function
of the numbers of pictures and of targets that returns maps (batch, targets, H, W), or None.

Memory is this process's peak resident set since the model was loaded and ran once, less what was resident then.
It is read from /proc, so this needs Linux. Runs on any torch, in any environment: nothing but torch, numpy and
safetensors may be imported here.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

Run = Callable[[int, int], "Tensor | None"]
Load = Callable[[dict[str, Any]], dict[str, Run]]


def serve(load: Load, *packages: str) -> None:
    """Answer requests from stdin until it ends.

    Args:
        load: gets the request "load": "model", "weights" and "inputs" (paths), "size" in pixels.
        packages: whose versions are told.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not land among the replies
    session = Session(load, packages)
    for line in sys.stdin:
        try:
            reply = session.answer(json.loads(line))
        except Exception as error:
            traceback.print_exc()
            reply = {"error": reason(error)}
        print(json.dumps(reply), file=replies, flush=True)


class Session:
    """What one worker holds between requests."""

    def __init__(self, load: Load, packages: tuple[str, ...]) -> None:
        self.load, self.packages = load, packages
        self.runs: dict[str, Run] = {}
        self.resident = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "load":
            torch.set_num_threads(request["threads"])
            self.runs = self.load(request)
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
            allow_further(request["memory"])
            self.resident = bytes_of("VmRSS")
            Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
            return {"versions": {name: importlib.metadata.version(name) for name in ("torch", *self.packages)}}
        if request["do"] == "run":
            start = time.perf_counter()
            maps = self.runs[request["what"]](request["batch"], request["targets"])
            seconds = time.perf_counter() - start
            if request["save"]:
                assert maps is not None
                np.save(request["save"], maps.detach().numpy())
            return {"seconds": seconds}
        if request["do"] == "peak":
            return {"above": bytes_of("VmHWM") - self.resident}
        raise ValueError(f"no such request: {request['do']}")


def bytes_of(field: str) -> int:
    """A figure of /proc/self/status, such as VmRSS (resident now), VmHWM (its peak) or VmData (private, allocated)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def allow_further(size: int) -> None:
    """Refuse this process more than so many further bytes: an error here is better than a machine without memory."""
    limit = bytes_of("VmData") + size
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def reason(error: Exception) -> str:
    """What the table says of an error."""
    text = str(error)
    if isinstance(error, MemoryError) or "allocate memory" in text or "bad_alloc" in text:
        return "out of memory"
    return f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"


def inputs_of(request: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
    """The pictures (8, 3, size, size) of the size that is asked for, and the prompts (40, dim) of a dual encoder."""
    inputs = load_file(request["inputs"])
    return inputs[str(request["size"])].clone(), inputs.get("prompts")


def once(module: torch.nn.Module, size: int) -> None:
    """One plain forward pass, so that libraries have loaded what they need before memory is counted."""
    with torch.no_grad():
        module(torch.zeros(1, 3, size, size))


def shown(raw: Tensor, size: int) -> Tensor:
    """Maps on the patch grid, (batch, targets, rows, columns), bilinear at the picture's size, each in [0, 1]."""
    maps = torch.nn.functional.interpolate(raw, (size, size), mode="bilinear")
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return maps.sub_(low).div_((high - low).clamp(min=torch.finfo(maps.dtype).tiny))
