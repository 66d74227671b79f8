"""legrad_torch on the same towers, in a process of its own with the OpenCLIP it needs.

The folder named by ``--peer`` comes first on that process's path; it is filled by

    pip install --no-deps --target FOLDER legrad_torch==1.1 open_clip_torch==2.23.0
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

PROMPTS = (1, 10, 100)
BENCHMARKS = Path(__file__).resolve().parents[1]


def measure_peer(
    folder: Path, models: list[str], device: str, dtype: torch.dtype, limit: float
) -> list[dict[str, object]]:
    """One picture, all layers: seconds for each number of prompts, as far as it comes within ``limit`` seconds."""
    command = [sys.executable, "-m", "on_gpu.peer", device, str(dtype).removeprefix("torch."), *models]
    paths = [str(folder.resolve()), str(BENCHMARKS), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    try:
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit, check=False)
        output, error = run.stdout, run.stderr if run.returncode else ""
    except subprocess.TimeoutExpired as expired:
        output, error = (expired.stdout or b"").decode(), f"not done after {limit:.0f} s"
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if error:
        found.append({"skipped": error.strip().splitlines()[-1]})
    return found


def main(device: str, dtype: str, models: list[str]) -> None:
    from legrad import LeWrapper

    from on_gpu.models import build

    for name in models:
        module, tower = build(name, device, getattr(torch, dtype))
        wrapped = LeWrapper(module, layer_index=0)
        picture = torch.randn(1, 3, tower.size, tower.size, device=device, dtype=getattr(torch, dtype))
        for prompts in PROMPTS:
            embeddings = torch.randn(prompts, tower.dim, device=device, dtype=getattr(torch, dtype))
            try:
                result = measure(partial(wrapped.compute_legrad, embeddings, picture), device)
            except (RuntimeError, ValueError, TypeError, AttributeError) as error:
                result = {"skipped": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
            print(json.dumps({"model": name, "prompts": prompts, **result}), flush=True)


def measure(call: Callable[[], object], device: str) -> dict[str, object]:
    from on_gpu.floor import seconds

    if device != "cuda":
        return {"seconds": seconds(call, device, 0.3), "peak_bytes_above_models": None}
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    took = seconds(call, device, 0.3)
    return {"seconds": took, "peak_bytes_above_models": torch.cuda.max_memory_allocated() - before}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
