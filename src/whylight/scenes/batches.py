"""Batches of a training: pictures of an album, now here, now there, now mirrored, and what is true of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from whylight.scenes.album import Album
from whylight.scenes.architecture import ModelName, configuration
from whylight.scenes.lessons import Phrases, captions
from whylight.scenes.losses import Batch, Places
from whylight.scenes.plan import Stage
from whylight.scenes.vocabulary import SceneTokenizer


class Batches:
    """What a model is shown and told; layers are those of which one more is asked about places."""

    def __init__(self, name: ModelName, layers: int) -> None:
        self.phrases, self._tokenizer, self._layers = Phrases(), SceneTokenizer(), layers
        said = configuration(name)["preprocess_cfg"]
        self._mean, self._std = (torch.tensor(said[key]).view(1, 3, 1, 1) for key in ("mean", "std"))

    def draw(self, album: Album, stage: Stage, random: np.random.Generator) -> Batch:
        """One batch of a stage."""
        chosen = random.integers(len(album.grounds), size=stage.batch)
        objects = album.objects[chosen]
        pixels = self.normalized(album.pictures(chosen))
        mirrored = torch.from_numpy(random.random(len(chosen)) < 0.5)
        row, column = random.integers((96 - pixels.shape[-1]) // 8 + 1, size=2)
        pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels)
        truth = torch.from_numpy(self.phrases.truth(objects)).float()
        said = self._captions(objects, album.grounds[chosen], random) if stage.texts else None
        places = None
        if stage.places:
            layer = int(random.integers(self._layers - 1))
            places = self.places(album.places[chosen], mirrored, objects, layer)
        return Batch(pixels, (int(row), int(column)), truth, said, places)

    def normalized(self, pictures: npt.NDArray[np.uint8]) -> Tensor:
        """Pictures (batch, H, W, 3) as pixels (batch, 3, H, W)."""
        return (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - self._mean) / self._std

    def places(
        self, places: npt.NDArray[np.int8], mirrored: Tensor, objects: npt.NDArray[np.int8], layer: int
    ) -> Places:
        """What patches are told: mirrored (batch,) where the pictures are."""
        shown = torch.from_numpy(places).long()
        shown = torch.where(mirrored[:, None, None], shown.flip(-1), shown)
        return Places(shown.flatten(1), torch.from_numpy(self.phrases.truth_of_each(objects)).float(), layer)

    def _captions(
        self, objects: npt.NDArray[np.int8], grounds: npt.NDArray[np.int8], random: np.random.Generator
    ) -> Tensor:
        rows = captions(objects, grounds, random, altered=1)
        return self._tokenizer([true for true, _ in rows] + [altered for _, altered in rows])
