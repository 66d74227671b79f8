"""Data sets whose masks are pictures of class numbers: Pascal VOC, ADE20K, and folders laid out alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whylight.errors import BadInput, need
from whylight.evaluation.data.data_set import Mask, Region, Sample, Source, Unusable
from whylight.evaluation.data.files import (
    existing,
    fingerprint,
    first_existing,
    inside,
    open_label_map,
    open_picture,
    pictures_in,
    read_lines,
    sizes,
)
from whylight.runs.inputs.once import once

_VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor"),
)


class LabelMaps(Source):
    """Pictures and, for each, a picture of class numbers of the same size; one region for each class present.

    Args:
        name: what to call the data set.
        pairs: name of each sample to its picture and its label map.
        numbers: number in the label map to the class's name; other numbers belong to no class.
        ignored: numbers of pixels that do not count.
    """

    def __init__(
        self, name: str, pairs: dict[str, tuple[Path, Path]], numbers: Mapping[int, str], ignored: frozenset[int]
    ) -> None:
        if not pairs:
            raise BadInput(f"{name}: no picture has a mask")
        self.name = name
        self.names = list(pairs)
        self._pairs = list(pairs.values())
        self._numbers = dict(numbers)
        self._ignored = ignored
        self.classes = {label: label for label in self._numbers.values()}

    def read(self, index: int) -> Sample:
        picture_path, label_path = self._pairs[index]
        picture = open_picture(picture_path)
        numbers = open_label_map(label_path, picture)
        regions = tuple(self._regions(numbers))
        if not regions:
            raise Unusable(f"mask {label_path.name} holds no class")
        return Sample(self.names[index], picture, regions)

    def fingerprint(self) -> str:
        return fingerprint(self.names, sizes(path for pair in self._pairs for path in pair))

    def _regions(self, numbers: npt.NDArray[np.int64]) -> list[Region]:
        counts = np.isin(numbers, list(self._ignored), invert=True)
        regions = []
        for number in np.unique(numbers):
            if int(number) in self._numbers and int(number) not in self._ignored:
                mask: Mask = np.where(counts, numbers == number, -1).astype(np.int8)
                regions.append(Region(self._numbers[int(number)], mask=mask))
        return regions


def pascal_voc(path: Path, part: str = "val") -> LabelMaps:
    """Pascal VOC 2012: ``JPEGImages``, ``SegmentationClass``, ``ImageSets/Segmentation/val.txt``; 255 does not count.

    Args:
        path: the folder ``VOC2012``, or the one that holds it or ``VOCdevkit``.
    """
    for below in ("VOC2012", "VOCdevkit/VOC2012"):
        path = path / below if (path / below).is_dir() else path
    names = once(
        read_lines(path / "ImageSets" / "Segmentation" / f"{part}.txt", "VOC's list of pictures"), f"{part}.txt"
    )
    for n in names:
        try:
            inside(path / "JPEGImages", n)
        except Unusable as error:
            raise BadInput(f"VOC's list of pictures: {error}") from None
    pairs = {n: (path / "JPEGImages" / f"{n}.jpg", path / "SegmentationClass" / f"{n}.png") for n in names}
    numbers = dict(enumerate(_VOC_CLASSES, start=1))
    return LabelMaps("Pascal VOC", pairs, numbers, frozenset({255}))


def ade20k(path: Path, part: str = "validation") -> LabelMaps:
    """ADE20K as the scene parsing challenge has it: ``images/validation``, ``annotations/validation``,
    ``objectInfo150.txt``; 0 does not count."""
    pictures = existing(path / "images" / part, "ADE20K's pictures")
    masks = existing(path / "annotations" / part, "ADE20K's masks")
    lines = read_lines(path / "objectInfo150.txt", "ADE20K's list of classes")
    head, *rows = [line.split("\t") for line in lines]
    if head[0] != "Idx" or head[-1] != "Name":
        raise BadInput("objectInfo150.txt needs tab-separated columns from Idx to Name")
    numbers = {int(row[0]): row[-1].split(",")[0].strip() for row in rows}
    pairs = _by_stem(pictures, masks)
    return LabelMaps("ADE20K", pairs, numbers, frozenset({0}))


def semantic_folder(path: Path) -> LabelMaps:
    """``images``, ``semantic_masks`` (or ``masks``) and ``semantic_classes.yaml`` (``classes: {number: name}``); 0 does
    not count."""
    pictures = existing(path / "images", "the folder of pictures")
    masks = first_existing(path, ("semantic_masks", "masks"), "the folder of masks")
    names = existing(path / "semantic_classes.yaml", "the list of classes")
    pairs = _by_stem(pictures, masks)
    return LabelMaps(path.name, pairs, _numbered(names), frozenset({0}))


def _by_stem(pictures: Path, masks: Path) -> dict[str, tuple[Path, Path]]:
    """Each picture and the mask of its name; of two pictures of one name the first."""
    named = once(pictures_in(pictures), str(pictures), lambda path: path.stem)
    return {path.stem: (path, masks / f"{path.stem}.png") for path in named}


def _numbered(path: Path) -> dict[int, str]:
    yaml = need("yaml", "evaluation")
    try:
        classes: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["classes"]
        return {int(number): str(name) for number, name in classes.items() if int(number) > 0}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path.name} needs `classes:` with numbers and names: {error}") from None
