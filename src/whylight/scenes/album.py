"""The training pictures, drawn ahead into files of 2,000 scenes that training reads as they are."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whylight.runs.files import make_folder, written_aside
from whylight.scenes.draw import COLORS, TEXTURES, Scene, draw_scene
from whylight.scenes.ground import GROUNDS
from whylight.scenes.shapes import KINDS

MOST_OBJECTS = 5
PATCH = 8
GROUND = -1
_PER_FILE = 2000


@dataclass(frozen=True)
class Canvas:
    """What kind of scenes: their size in pixels, their least and greatest number of objects, their zoom."""

    size: int = 96
    objects: tuple[int, int] = (1, MOST_OBJECTS)
    zoom: float = 1.0


class Album:
    """Scenes of training seeds 0, 1, 2 ... on one canvas: pictures and, as numbers, what is in them.

    Attributes:
        objects: (scenes, 5, 3) int8: texture, colour and kind of each object; -1 where a scene has fewer than five.
        grounds: (scenes,) int8.
        places: (scenes, rows, columns) int8: what each patch shows, the object's number, or GROUND.
    """

    def __init__(self, folder: Path, count: int, canvas: Canvas) -> None:
        """Draw what the folder does not hold yet: ``count`` scenes, a multiple of the file size or less than one."""
        make_folder(folder)
        self._per_file = min(_PER_FILE, count)
        starts = list(range(0, count, self._per_file))
        missing = [start for start in starts if not _path(folder, start, self._per_file, canvas).exists()]
        if missing:
            with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as workers:
                jobs = [workers.submit(_draw_file, folder, start, self._per_file, canvas) for start in missing]
                for number, job in enumerate(jobs, 1):
                    job.result()
                    print(f"drawn {number * self._per_file:,} of {len(missing) * self._per_file:,} scenes", flush=True)
        files = [np.load(_path(folder, start, self._per_file, canvas), mmap_mode="r") for start in starts]
        self._pictures = [file["picture"] for file in files]
        self.objects = np.concatenate([file["objects"] for file in files])
        self.grounds = np.concatenate([file["ground"] for file in files])
        self.places = np.concatenate([file["places"] for file in files])

    def pictures(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """(scenes, size, size, 3) uint8."""
        return np.stack([self._pictures[i // self._per_file][i % self._per_file] for i in indices])


def _path(folder: Path, start: int, count: int, canvas: Canvas) -> Path:
    return folder / f"{canvas.size}px-{start:07d}-{count}.npy"


def _draw_file(folder: Path, start: int, count: int, canvas: Canvas) -> None:
    colors = list(COLORS)
    picture = ("picture", np.uint8, (canvas.size, canvas.size, 3))
    side = canvas.size // PATCH
    fields = [picture, ("objects", np.int8, (MOST_OBJECTS, 3)), ("ground", np.int8), ("places", np.int8, (side, side))]
    rows = np.zeros(count, dtype=np.dtype(fields))
    rows["objects"] = -1
    for row, seed in zip(rows, range(start, start + count), strict=True):
        scene = draw_scene(seed, canvas.size, canvas.objects, canvas.zoom)
        row["picture"] = scene.picture
        row["ground"] = GROUNDS.index(scene.ground)
        row["places"] = _places(scene)
        for slot, item in zip(row["objects"], scene.objects, strict=False):
            slot[:] = TEXTURES.index(item.texture), colors.index(item.color), KINDS.index(item.kind)
    with written_aside(_path(folder, start, count, canvas)) as file:
        np.save(file, rows)


def _places(scene: Scene) -> npt.NDArray[np.int8]:
    """What fills at least half of each patch."""
    masks = np.stack([item.mask for item in scene.objects]).astype(np.float32)
    count, height, width = masks.shape
    shares = masks.reshape(count, height // PATCH, PATCH, width // PATCH, PATCH).mean((2, 4))
    return np.where(shares.max(0) >= 0.5, shares.argmax(0), GROUND).astype(np.int8)
