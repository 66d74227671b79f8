"""The benchmarks by name: which data, which protocol, which prompts."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from whylight.errors import BadInput, UnknownName
from whylight.evaluation.benchmarks.benchmark import Benchmark, Protocol
from whylight.evaluation.benchmarks.perturbation import Perturbation
from whylight.evaluation.benchmarks.pointing import GridPointing, Pointing
from whylight.evaluation.benchmarks.points import LabelledPoints
from whylight.evaluation.benchmarks.rationales import Rationales
from whylight.evaluation.benchmarks.segmentation import Segmentation
from whylight.evaluation.data.boxes import BoxedPictures
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.collages import Collages
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.data.imagenet import LabelledPictures
from whylight.evaluation.data.imagenet_segmentation import ImageNetSegmentation
from whylight.evaluation.data.label_maps import ade20k, pascal_voc, semantic_folder
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.data.openimages import OpenImagesPoints
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.data.videos import VideoFrames
from whylight.evaluation.heads import PHOTO

SCENES = 1000
"""How many scenes there are without --limit."""


@dataclass(frozen=True)
class Named:
    """A benchmark by name.

    Attributes:
        protocol: how maps are measured.
        open: path (None for scenes), limit and the model's input size to a source.
        layout: what --data must be, in words; "" where none is needed.
        template: the prompt for a class name.
    """

    protocol: Callable[[], Benchmark]
    open: Callable[[Path | None, int | None, tuple[int, int]], Source]
    layout: str
    template: str = PHOTO


@dataclass(frozen=True)
class NamedText:
    """A benchmark of words by name: protocol, path to a data set, and what the path must be."""

    protocol: Callable[[], Protocol]
    open: Callable[[Path], MovieReviews]
    layout: str


def _reader(read: Callable[[Path], Source]) -> Callable[[Path | None, int | None, tuple[int, int]], Source]:
    def opened(path: Path | None, limit: int | None, size: tuple[int, int]) -> Source:
        if path is None:
            raise BadInput("this benchmark needs --data PATH")
        return read(path)

    return opened


def _collages(path: Path | None, limit: int | None, size: tuple[int, int]) -> Source:
    if path is None:
        count = limit or SCENES
        return Collages(Scenes(4 * count, "color"), 2, size, count)
    boxed = (path / "val_annotations.txt").exists() or (path / "val" / "val_annotations.txt").exists()
    return Collages(BoxedPictures(path) if boxed else LabelledPictures(path), 2, size, limit)


_CATALOG: dict[str, Named | NamedText] = {
    "imagenet-segmentation": Named(Segmentation, _reader(ImageNetSegmentation), "gtsegs_ijcv.mat"),
    "voc-segmentation": Named(Segmentation, _reader(pascal_voc), "VOC2012"),
    "coco-segmentation": Named(Segmentation, _reader(CocoInstances), "annotations/instances_val2017.json, val2017"),
    "ade20k-segmentation": Named(Segmentation, _reader(ade20k), "images, annotations, objectInfo150.txt"),
    "semantic-segmentation": Named(Segmentation, _reader(semantic_folder), "images, masks, semantic_classes.yaml"),
    "davis-segmentation": Named(Segmentation, _reader(VideoFrames), "JPEGImages, Annotations"),
    "scenes-segmentation": Named(Segmentation, lambda p, n, s: Scenes(n or SCENES, "masks"), "", "{}"),
    "openimages-v7": Named(LabelledPoints, _reader(OpenImagesPoints), "point-label CSV, classes.csv, images"),
    "scenes-points": Named(LabelledPoints, lambda p, n, s: Scenes(n or SCENES, "points"), "", "{}"),
    "imagenet-perturbation": Named(Perturbation, _reader(LabelledPictures), "class folders, or flat with classes"),
    "scenes-perturbation": Named(Perturbation, lambda p, n, s: Scenes(n or SCENES, "color"), "", "{}"),
    "grid-pointing": Named(GridPointing, _collages, "class folders (none: scenes)"),
    "boxes-pointing": Named(Pointing, _reader(BoxedPictures), "images, val_annotations.txt"),
    "voc-pointing": Named(Pointing, _reader(pascal_voc), "VOC2012"),
    "coco-pointing": Named(Pointing, _reader(CocoInstances), "annotations/instances_val2017.json, val2017"),
    "scenes-pointing": Named(Pointing, lambda p, n, s: Scenes(n or SCENES, "masks"), "", "{}"),
    "movie-reviews": NamedText(Rationales, MovieReviews, "ERASER's movies folder, or its .tar.gz"),
}


def benchmark_names() -> list[str]:
    return list(_CATALOG)


def listing() -> list[str]:
    """One line for each benchmark: name, protocol, what --data must hold."""
    return [f"{name}: {named.protocol().protocol}; data: {named.layout or 'none'}" for name, named in _CATALOG.items()]


def find_benchmark(name: str) -> Named | NamedText:
    """The benchmark of a name.

    Raises:
        UnknownName: with near misses and all names.
    """
    if name not in _CATALOG:
        near = difflib.get_close_matches(name, _CATALOG, n=2, cutoff=0.4)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"unknown benchmark {name!r}.{meant} There are: {', '.join(_CATALOG)}")
    return _CATALOG[name]
