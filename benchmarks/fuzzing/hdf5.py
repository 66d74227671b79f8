"""MATLAB files (HDF5) of ImageNet-Segmentation, damaged.

Wrong is: fewer or more pictures than the file had; a picture, mask or class of a shape or with values that none has.
(Another picture or mask of the right shape is not: in files as MATLAB writes them nothing has a checksum.)
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import h5py
import numpy as np

from fuzzing.damage import damaged
from fuzzing.trial import Attempt, check
from whylight.evaluation.data.data_set import Unusable, read_one
from whylight.evaluation.data.imagenet_segmentation import ImageNetSegmentation

_COUNT = 4
_CLASSES = ("n01440764", "n02123045", "n03376595", "n07747607")


def prepare(folder: Path) -> Attempt:
    path = folder / "gtsegs_ijcv.mat"
    _made(path)
    content = path.read_bytes()

    def attempt(random: Random, here: Path) -> str | None:
        change = damaged(content, random)
        file = here / "gtsegs_ijcv.mat"
        file.write_bytes(change.data)
        source = ImageNetSegmentation(file)
        source.fingerprint()
        check(len(source) == _COUNT, f"{change.how} at {change.touched}: {len(source)} of {_COUNT} pictures")
        refused = None
        for index in range(len(source)):
            try:
                sample = read_one(source, index)
            except Unusable as error:
                refused = str(error)
                continue
            (region,) = sample.regions
            pixels = np.asarray(sample.picture)
            check(region.label in source.classes, f"its class {region.label!r} is none of the classes")
            check(pixels.ndim == 3 and pixels.shape[2] == 3, f"a picture of shape {pixels.shape}")
            check(region.mask is not None and region.mask.shape == pixels.shape[:2], "a mask of another shape")
            check(set(np.unique(region.mask)) <= {-1, 0, 1}, "a mask with other values")
        return refused

    return attempt


def _made(path: Path) -> None:
    """Some pictures and masks in the file's true layout."""
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (20 + i, 24, 3), dtype=np.uint8) for i in range(_COUNT)]
    masks = [(random.random((20 + i, 24)) < 0.4).astype(np.int8) for i in range(_COUNT)]
    with h5py.File(path, "w") as file:
        refs = file.create_group("#refs#")
        value = file.create_group("value")
        columns = {name: value.create_dataset(name, (_COUNT, 1), h5py.ref_dtype) for name in ("img", "gt", "target")}
        for i, (picture, mask, label) in enumerate(zip(pictures, masks, _CLASSES, strict=True)):
            columns["img"][i, 0] = refs.create_dataset(f"i{i}", data=picture.transpose(2, 1, 0)).ref
            holder = refs.create_dataset(f"g{i}", (1, 1), h5py.ref_dtype)
            holder[0, 0] = refs.create_dataset(f"m{i}", data=mask.T.astype(np.uint8)).ref
            columns["gt"][i, 0] = holder.ref
            letters = np.array([[ord(letter)] for letter in label], np.uint16)
            columns["target"][i, 0] = refs.create_dataset(f"t{i}", data=letters).ref
