"""ImageNet-Segmentation (Guillaumin et al., IJCV 2014): ``gtsegs_ijcv.mat``, MATLAB v7.3, which is HDF5.

``/value/img[i, 0]`` refers to a picture (3, width, height) uint8, ``/value/gt[i, 0]`` to a cell whose ``[0, 0]`` refers
to its label (width, height), ``/value/target[i, 0]`` to the WordNet id as characters.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from whylight.errors import BadInput, need
from whylight.evaluation.data.data_set import Mask, Region, Sample, Source, Unusable
from whylight.evaluation.data.files import existing, fingerprint
from whylight.evaluation.data.wordnet import imagenet_names, in_words

_FILE = "gtsegs_ijcv.mat"
_NAMELESS = "unnamed"
"""Label of pictures whose cell in the file names no class."""


class ImageNetSegmentation(Source):
    """4,276 pictures of 445 classes, each with the mask of its object.

    Args:
        path: the ``.mat`` file, or the folder that holds ``gtsegs_ijcv.mat``.

    Raises:
        BadInput: missing, truncated or of another layout.
    """

    name = "ImageNet-Segmentation"

    def __init__(self, path: Path) -> None:
        self.path = existing(path / _FILE if path.is_dir() else path, "ImageNet-Segmentation")
        self._opened: tuple[int, Any] | None = None
        file = self._file()
        try:
            value = file["value"]
            counts = {name: value[name].shape[0] for name in ("img", "gt", "target")}
        except (KeyError, AttributeError, TypeError, IndexError):
            raise BadInput(f"{self.path.name} has not the layout of {_FILE}: /value/img, gt, target") from None
        if len(set(counts.values())) != 1:
            raise BadInput(f"{self.path.name} holds different numbers of pictures, labels and classes: {counts}")
        self._labels = [self._identifier(file, index) for index in range(counts["img"])]
        self.names = [f"{index:05d}-{label}" for index, label in enumerate(self._labels)]
        self.classes = dict(imagenet_names())
        self.classes.update(
            {label: in_words(label) for label in self._labels if label not in self.classes and label != _NAMELESS}
        )

    def read(self, index: int) -> Sample:
        if self._labels[index] == _NAMELESS:
            raise Unusable("its class is not named")
        file = self._file()
        value = file["value"]
        try:
            pixels = np.asarray(file[value["img"][index, 0]]).transpose(2, 1, 0)
            label = np.asarray(file[file[value["gt"][index, 0]][0, 0]]).T
        except (OSError, KeyError, ValueError) as error:
            raise Unusable(f"picture or label does not read: {error}") from None
        if pixels.shape[:2] != label.shape:
            raise Unusable(f"label is {label.shape[::-1]}, its picture {pixels.shape[1::-1]}")
        mask: Mask = np.where(label == 255, -1, label > 0).astype(np.int8)
        return Sample(self.names[index], Image.fromarray(pixels), (Region(self._labels[index], mask=mask),))

    def fingerprint(self) -> str:
        return fingerprint(self.path)

    def _identifier(self, file: Any, index: int) -> str:
        try:
            return "".join(chr(character) for character in np.asarray(file[file["value"]["target"][index, 0]]).ravel())
        except (OSError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
            return _NAMELESS

    def _file(self) -> Any:
        """The open file; each process opens its own."""
        if self._opened is None or self._opened[0] != os.getpid():
            h5py = need("h5py", "evaluation")
            try:
                self._opened = (os.getpid(), h5py.File(self.path, "r"))
            except OSError as error:
                raise BadInput(f"{self.path} is no HDF5 file, or is truncated: {error}") from None
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}
