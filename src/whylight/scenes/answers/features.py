"""What the tower sees of the training scenes, computed once into a file that training reads as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from whylight.runs.files import make_folder, write_file
from whylight.scenes.answers.architecture import PATCHES
from whylight.scenes.answers.questions import Seen
from whylight.scenes.answers.towers import WIDTH
from whylight.scenes.draw import Scene, draw_scene

_CHUNK = 250


class Features:
    """Features of the scenes of training seeds ``first`` to ``first + count - 1``, (144, 192) float16 each.

    What a stopped run has computed is kept: the file is filled in chunks, and a list of the objects of those that are
    there lies beside it.
    """

    def __init__(self, folder: Path, model: Any, first: int, count: int, told: Callable[[int, int], None]) -> None:
        make_folder(folder)
        path, listed = (folder / f"features-{first}-{count}.{end}" for end in ("npy", "json"))
        if not path.exists():
            listed.unlink(missing_ok=True)
            np.lib.format.open_memmap(path, "w+", np.float16, (count, PATCHES, WIDTH)).flush()
        self.rows = np.load(path, mmap_mode="r+")
        known = json.loads(listed.read_text()) if listed.exists() else []
        self.objects = [[Seen(*each) for each in objects] for objects in known]
        for start in range(len(known), count, _CHUNK):
            chosen = [draw_scene(first + i) for i in range(start, min(count, start + _CHUNK))]
            self.rows[start : start + len(chosen)] = tower_features(model, chosen).numpy()
            self.rows.flush()
            self.objects += [seen_of(scene) for scene in chosen]
            write_file(listed, json.dumps([[astuple(each) for each in objects] for objects in self.objects]))
            told(len(self.objects), count)

    def __getitem__(self, chosen: npt.NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(np.stack([self.rows[i] for i in chosen])).float()

    def mean_and_deviation(self) -> tuple[Tensor, Tensor]:
        """Of every feature over all patches of the first thousand scenes, (192,) each."""
        some = torch.from_numpy(self.rows[:1000].astype(np.float32)).flatten(0, 1)
        return some.mean(0), some.std(0)


def seen_of(scene: Scene) -> list[Seen]:
    """Its objects, as questions know them."""
    return [Seen(o.texture, o.color, o.kind, (o.box[0] + o.box[2]) / 2) for o in scene.objects]


@torch.no_grad()
def tower_features(model: Any, scenes: list[Scene]) -> Tensor:
    """What the projector is given of each scene, (scenes, 144, 192) float16."""
    return torch.cat([_some(model, part) for part in _batches(scenes)])


def _batches(scenes: list[Scene], size: int = 25) -> Iterator[list[Scene]]:
    for start in range(0, len(scenes), size):
        yield scenes[start : start + size]


def _some(model: Any, scenes: list[Scene]) -> Tensor:
    pixels = torch.from_numpy(np.stack([scene.picture for scene in scenes])).permute(0, 3, 1, 2).float()
    seen = model.model.vision_tower((pixels / 255 - 0.5) / 0.25, output_hidden_states=True)
    features: Tensor = seen.hidden_states[-1][:, -PATCHES:].half()
    return features
