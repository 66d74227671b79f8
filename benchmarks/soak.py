"""Whether memory grows: thousands of pictures of mixed sizes explained in one process.

    python benchmarks/soak.py                    # 5,000 with the bundled model
    python benchmarks/soak.py --explains 500

Pictures of many sizes come as files of three formats, arrays and PIL pictures, with prompts that change, methods by
turns, an input size now and then, a figure or JSON of every 50th, and a broken file of every 20th. The process's own
memory (RSS) is printed as it goes; what counts is the last line: how much more it holds at the end than when a tenth
was done.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import tempfile
import time
import warnings
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

import whylight
from whylight.scenes import draw_scene, phrase
from whylight.scenes.draw import COLORS
from whylight.scenes.shapes import KINDS

METHODS = ("legrad", "legrad", "chefercam", "rollout", "gradcam", "transformer_attribution")
SIDES = (32, 48, 64, 96, 100, 150, 200, 333)
STEPS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--explains", type=int, default=5_000)
    parser.add_argument("--model", default="scenes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    view = whylight.load(arguments.model)
    every = max(1, arguments.explains // STEPS)
    held: list[float] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        pictures = made(Path(folder))
        for number in range(1, arguments.explains + 1):
            explain(view, pictures, Random(f"{arguments.seed} {number}"), number, Path(folder))
            if number % every == 0:
                gc.collect()
                held.append(megabytes())
                print(f"{number:,} explains: {held[-1]:.0f} MB, {time.perf_counter() - started:.0f} s", flush=True)
    more = held[-1] - held[0]
    print(f"RSS at {every:,}: {held[0]:.0f} MB, at {arguments.explains:,}: {held[-1]:.0f} MB, {more:+.0f} MB")


def made(folder: Path) -> list[Path]:
    """Files of pictures of many sizes."""
    found = []
    for number, height in enumerate(SIDES):
        for width, ending in zip(SIDES[number % 3 :: 2], ("png", "jpg", "webp", "png"), strict=False):
            path = folder / f"{height}-{width}.{ending}"
            Image.fromarray(draw_scene(10**9 + number, 96).picture).resize((width, height)).save(path)
            found.append(path)
    return found


def explain(view: whylight.View, pictures: list[Path], random: Random, number: int, folder: Path) -> None:
    """One explanation, as one of many users would ask for it."""
    path = random.choice(pictures)
    if number % 20 == 0:
        broken = folder / "broken.png"
        broken.write_bytes(path.read_bytes()[:100])
        with contextlib.suppress(whylight.WhylightError):
            whylight.explain(view, broken, "a ring")
        return
    source = random.choice([path, str(path), Image.open(path), np.asarray(Image.open(path).convert("RGB"))])
    prompts = [phrase(random.choice(KINDS), random.choice(list(COLORS))) for _ in range(random.randrange(1, 5))]
    size = random.choice([None, None, None, 64, 128])
    found = whylight.explain(view, source, prompts, random.choice(METHODS), size=size)
    if number % 50 == 0:
        found.save(folder / f"x.{random.choice(['png', 'json', 'npz'])}")
        whylight.explain_text(view, prompts[0], Image.open(path)).save(folder / "x.html")


def megabytes() -> float:
    """Resident memory of this process, without what the C library keeps for later although nobody holds it."""
    with contextlib.suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
