"""What a report of many maps shows first, on bundled scenes with a star: docs/figures/audit.jpg.

Run it from the repository root: python docs/figures/make_audit_figure.py
It asks as the guide does: `whylight run photos -p "a star" --inside masks --out maps`, then `whylight report maps`.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from whylight.scenes import draw_scene
from whylight.scenes.draw import FIRST_EVALUATION_SEED

KIND, PICTURES = "star", 60
OUT = Path(__file__).parent / "audit.jpg"


def main() -> None:
    with TemporaryDirectory() as folder:
        here = Path(folder)
        write_scenes(here / "photos", here / "masks")
        whylight(here, "run", "photos", "-p", f"a {KIND}", "--inside", "masks", "--out", "maps")
        whylight(here, "report", "maps")
        sheet = Image.open(here / "maps" / "report" / "right-for-the-wrong-reason.png").convert("RGB")
        sheet.save(OUT, quality=85, optimize=True)


def write_scenes(photos: Path, masks: Path) -> None:
    """Scenes with one or more of the kind, and where they are."""
    photos.mkdir()
    masks.mkdir()
    seeds = count(FIRST_EVALUATION_SEED + 6000)
    for number in range(PICTURES):
        scene = next(each for each in map(draw_scene, seeds) if any(item.kind == KIND for item in each.objects))
        inside = np.any([item.mask for item in scene.objects if item.kind == KIND], axis=0)
        Image.fromarray(scene.picture).save(photos / f"{number}.png")
        Image.fromarray(inside).save(masks / f"{number}.png")


def whylight(folder: Path, *asked: str) -> None:
    subprocess.run([sys.executable, "-m", "whylight", *asked], cwd=folder, check=True)


if __name__ == "__main__":
    main()
