"""Peak memory above the model against the number of tokens, measured in a process of its own for every cell.

    make bench-memory     # or: python benchmarks/memory.py --methods legrad --sizes 224 448

Each process builds the model (random weights: memory does not depend on them), notes how much it holds, sets the
kernel's high-water mark back (/proc/self/clear_refs), explains one picture for one class, and reads the mark again. A
plain forward pass is measured in the same way. Cells are kept in benchmarks/memory.json as they come in, so that a
part may be measured again; benchmarks/memory.md is written from all of them, with the straight line through each
method's cells.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

METHODS = ("forward", "legrad", "chefercam", "rollout")
SIZES = {"vit_base_patch16_224": (224, 448, 672, 896), "vit_large_patch14_clip_224": (1036,)}
GOAL = 2000
"""Megabytes above the model that the project allows at the largest size."""

HERE = Path(__file__).parent
MB = 10**6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    parser.add_argument("--models", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--sizes", nargs="*", type=int, help="pixels; all by default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE, help="folder for memory.json and memory.md")
    parser.add_argument("--cell", nargs=3, metavar=("MODEL", "SIZE", "METHOD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.cell:
        model, size, method = arguments.cell
        print(json.dumps(measure(model, int(size), method, arguments.threads)))
        return
    file = arguments.out / "memory.json"
    cells = json.loads(file.read_text()) if file.exists() else {}
    for model in arguments.models:
        for size in SIZES[model]:
            if arguments.sizes and size not in arguments.sizes:
                continue
            for method in arguments.methods:
                cell = in_a_process(model, size, method, arguments.threads)
                print(f"{model} {size} px {method}: {cell['megabytes']:.0f} MB in {cell['seconds']:.0f} s", flush=True)
                cells[f"{model} {size} {method}"] = cell
                file.write_text(json.dumps(cells, indent=1, sort_keys=True) + "\n")
    (arguments.out / "memory.md").write_text(table(list(cells.values())))


def in_a_process(model: str, size: int, method: str, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--threads", str(threads), "--cell", model, str(size), method]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def measure(model: str, size: int, method: str, threads: int) -> dict[str, float | str]:
    import timm
    import torch

    import whylight

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    view = whylight.wrap(timm.create_model(model, img_size=size, num_classes=1000).eval())
    pixels = torch.randn(1, 3, size, size)
    before = held()
    start = time.perf_counter()
    if method == "forward":
        with torch.inference_mode():
            view.output(pixels)
    else:
        whylight.relevance(view, pixels, [0], method=method)
    seconds = time.perf_counter() - start
    with torch.no_grad():
        tokens = view.begin(pixels).tokens.shape[1]
    return {
        "model": model,
        "size": size,
        "method": method,
        "tokens": tokens,
        "megabytes": round((high_water_mark() - before) / MB, 1),
        "seconds": round(seconds, 1),
        "torch": torch.__version__,
    }


def held() -> int:
    """Bytes that the process holds now; the high-water mark starts from here."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    return high_water_mark()


def high_water_mark() -> int:
    if sys.platform == "linux":
        return _status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status does not say {name}")


def table(cells: list[dict[str, float | str]]) -> str:
    """Markdown: megabytes by tokens and method, and the straight line through each method's cells."""
    methods = [method for method in METHODS if any(cell["method"] == method for cell in cells)]
    lines = [
        f"Peak memory above the model in MB, float32, one picture, one class, {platform.machine()}, "
        f"torch {cells[0]['torch']}; `make bench-memory`.",
        "",
        "| model | pixels | tokens | " + " | ".join(methods) + " |",
        "|---|---:|---:|" + "---:|" * len(methods),
    ]
    for model, size, tokens in sorted({(cell["model"], cell["size"], cell["tokens"]) for cell in cells}):
        found = {cell["method"]: cell["megabytes"] for cell in cells if (cell["model"], cell["size"]) == (model, size)}
        values = (f"{found[method]:,.0f}" if method in found else "" for method in methods)
        lines.append(f"| {model} | {size} | {tokens:,} | " + " | ".join(values) + " |")
    lines += ["", "| method, ViT-B/16 | MB per 1,000 tokens | MB at none | largest distance from the line |"]
    lines += ["|---|---:|---:|---:|"]
    for method in methods:
        points = [(c["tokens"], c["megabytes"]) for c in cells if c["method"] == method and "base" in str(c["model"])]
        if len(points) > 2:
            slope, start, distance = line_through(points)
            lines.append(f"| {method} | {1000 * slope:.0f} | {start:.0f} | {distance:.0f} MB |")
    over = [cell for cell in cells if cell["megabytes"] > GOAL]
    lines += ["", f"Within {GOAL:,} MB: " + ("all." if not over else "not " + "; ".join(map(_name, over)) + ".")]
    return "\n".join(lines) + "\n"


def line_through(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Slope, value at zero and largest distance of the least-squares line."""
    count = len(points)
    x_mean, y_mean = (sum(values) / count for values in zip(*points, strict=True))
    slope = sum((x - x_mean) * (y - y_mean) for x, y in points) / sum((x - x_mean) ** 2 for x, _ in points)
    start = y_mean - slope * x_mean
    return slope, start, max(abs(y - start - slope * x) for x, y in points)


def _name(cell: dict[str, float | str]) -> str:
    return f"{cell['method']} on {cell['model']} at {cell['size']} px"


if __name__ == "__main__":
    main()
