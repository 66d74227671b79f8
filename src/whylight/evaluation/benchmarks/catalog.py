"""The benchmarks by name: which data, which protocol, which prompts."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from whylight.errors import UnknownName
from whylight.evaluation.benchmarks.answer_faithfulness import AnswerFaithfulness
from whylight.evaluation.benchmarks.answers import Answers
from whylight.evaluation.benchmarks.benchmark import Benchmark, Protocol
from whylight.evaluation.benchmarks.captions import Captions
from whylight.evaluation.benchmarks.faithfulness import Faithfulness, ScenesFaithfulness
from whylight.evaluation.benchmarks.own_object import OwnObject
from whylight.evaluation.benchmarks.perturbation import Perturbation
from whylight.evaluation.benchmarks.pointing import GridPointing, Pointing
from whylight.evaluation.benchmarks.points import LabelledPoints
from whylight.evaluation.benchmarks.randomized import RandomizedParameters
from whylight.evaluation.benchmarks.rationales import Rationales
from whylight.evaluation.benchmarks.recognition import Recognition
from whylight.evaluation.benchmarks.segmentation import Segmentation, VideoSegmentation
from whylight.evaluation.benchmarks.wrong_prompt import WrongPrompt
from whylight.evaluation.data.boxes import BoxedPictures
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.collages import Collages
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.data.imagenet import LabelledPictures
from whylight.evaluation.data.imagenet_segmentation import ImageNetSegmentation
from whylight.evaluation.data.label_maps import ade20k, pascal_voc, semantic_folder
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.data.openimages import OpenImagesPoints
from whylight.evaluation.data.scene_questions import SceneQuestions
from whylight.evaluation.data.scenes import Scenes, Truth
from whylight.evaluation.data.videos import VideoFrames
from whylight.evaluation.heads import PHOTO

SCENES = 1000
"""How many scenes there are without --limit."""


@dataclass(frozen=True)
class NamedPictures:
    """A benchmark of pictures by name.

    Attributes:
        protocol: how maps are measured.
        open: path (None where no data are needed), limit and the model's input size to a source.
        layout: what --data must be, in words; "" where there is nothing to name.
        template: the prompt for a class name.
        needs_data: whether it can do without --data.
    """

    protocol: Callable[[], Benchmark]
    open: Callable[[Path | None, int | None, tuple[int, int]], Source]
    layout: str
    template: str = PHOTO
    needs_data: bool = False


@dataclass(frozen=True)
class NamedText:
    """A benchmark of words by name: protocol, path to a data set, and what the path must be."""

    protocol: Callable[[], Protocol]
    open: Callable[[Path], MovieReviews]
    layout: str
    needs_data: bool = True


@dataclass(frozen=True)
class NamedAnswers:
    """A benchmark of models that answer in words, by name: protocol, path and limit to a source, --data."""

    protocol: Callable[[], Protocol]
    open: Callable[[Path | None, int | None], SceneQuestions | Source]
    layout: str = ""
    needs_data: bool = False


def _on_files(
    protocol: Callable[[], Benchmark], read: Callable[[Path], Source], layout: str, template: str = PHOTO
) -> NamedPictures:
    def opened(path: Path | None, limit: int | None, size: tuple[int, int]) -> Source:
        return read(_there(path))

    return NamedPictures(protocol, opened, layout, template, needs_data=True)


def _there(path: Path | None) -> Path:
    assert path is not None, "checked by the front"
    return path


def _on_scenes(protocol: Callable[[], Benchmark], truth: Truth) -> NamedPictures:
    def opened(path: Path | None, limit: int | None, size: tuple[int, int]) -> Source:
        return Scenes(limit or SCENES, truth)

    return NamedPictures(protocol, opened, "", template="{}")


def _collages(path: Path | None, limit: int | None, size: tuple[int, int]) -> Source:
    if path is None:
        count = limit or SCENES
        return Collages(Scenes(4 * count, "color"), 2, size, count)
    boxed = (path / "val_annotations.txt").exists() or (path / "val" / "val_annotations.txt").exists()
    return Collages(BoxedPictures(path) if boxed else LabelledPictures(path), 2, size, limit)


_COCO = "annotations/instances_val2017.json, val2017"
_WITH_MASKS: dict[str, tuple[Callable[[Path], Source], str]] = {
    "imagenet-segmentation": (ImageNetSegmentation, "gtsegs_ijcv.mat"),
    "voc": (pascal_voc, "VOC2012"),
    "coco": (CocoInstances, _COCO),
    "ade20k": (ade20k, "images, annotations, objectInfo150.txt"),
    "semantic": (semantic_folder, "images, masks, semantic_classes.yaml"),
    "davis": (VideoFrames, "JPEGImages, Annotations"),
}
_OF_ONE_OBJECT = ("imagenet-segmentation", "davis")
_LABELLED: dict[str, tuple[Callable[[Path], Source], str]] = {
    "imagenet": (LabelledPictures, "class folders, or flat with classes"),
    "boxes": (BoxedPictures, "images, val_annotations.txt"),
}


def _segmentation(name: str) -> str:
    return name if name.endswith("segmentation") else f"{name}-segmentation"


_CATALOG: dict[str, NamedPictures | NamedText | NamedAnswers] = {
    **{_segmentation(name): _on_files(Segmentation, *files) for name, files in _WITH_MASKS.items() if name != "davis"},
    "davis-segmentation": _on_files(VideoSegmentation, *_WITH_MASKS["davis"]),
    "scenes-segmentation": _on_scenes(Segmentation, "masks"),
    "openimages-v7": _on_files(LabelledPoints, OpenImagesPoints, "point-label CSV, classes.csv, images"),
    "scenes-points": _on_scenes(LabelledPoints, "points"),
    "imagenet-perturbation": _on_files(Perturbation, *_LABELLED["imagenet"]),
    "scenes-perturbation": _on_scenes(Perturbation, "color"),
    "grid-pointing": NamedPictures(GridPointing, _collages, "class folders (none: scenes)"),
    "boxes-pointing": _on_files(Pointing, *_LABELLED["boxes"]),
    "voc-pointing": _on_files(Pointing, *_WITH_MASKS["voc"]),
    "coco-pointing": _on_files(Pointing, *_WITH_MASKS["coco"]),
    "scenes-pointing": _on_scenes(Pointing, "masks"),
    **{f"{name}-faithfulness": _on_files(Faithfulness, *files) for name, files in _LABELLED.items()},
    "scenes-faithfulness": _on_scenes(ScenesFaithfulness, "color"),
    **{
        f"{name}-randomized": _on_files(RandomizedParameters, *files)
        for name, files in (_LABELLED | _WITH_MASKS).items()
    },
    "scenes-randomized": _on_scenes(RandomizedParameters, "masks"),
    **{f"{name}-wrong-prompt": _on_files(WrongPrompt, *files) for name, files in _WITH_MASKS.items()},
    "scenes-wrong-prompt": _on_scenes(WrongPrompt, "masks"),
    **{
        f"{name}-{protocol.protocol}": _on_files(protocol, *files, template=template)
        for protocol, template in ((Recognition, "a {}"), (OwnObject, PHOTO))
        for name, files in _WITH_MASKS.items()
        if name not in _OF_ONE_OBJECT
    },
    "scenes-recognition": _on_scenes(Recognition, "counts"),
    "scenes-own-object": _on_scenes(OwnObject, "pairs"),
    "scenes-answers": NamedAnswers(Answers, lambda path, limit: SceneQuestions(limit or SCENES)),
    "scenes-answers-faithfulness": NamedAnswers(
        AnswerFaithfulness, lambda path, limit: SceneQuestions(limit or SCENES)
    ),
    "scenes-captions": NamedAnswers(Captions, lambda path, limit: Scenes(limit or SCENES, "kinds")),
    "coco-captions": NamedAnswers(Captions, lambda path, limit: CocoInstances(_there(path)), _COCO, needs_data=True),
    "movie-reviews": NamedText(Rationales, MovieReviews, "ERASER's movies folder, or its .tar.gz"),
}


def benchmark_names() -> list[str]:
    return list(_CATALOG)


def listing() -> list[str]:
    """One line for each benchmark: name, protocol, what --data must hold."""
    return [f"{name}: {named.protocol().protocol}; data: {named.layout or 'none'}" for name, named in _CATALOG.items()]


def default_model(name: str) -> str:
    """The bundled model that a benchmark measures where no other is named."""
    return "scenes-answers" if isinstance(find_benchmark(name), NamedAnswers) else "scenes"


def find_benchmark(name: str) -> NamedPictures | NamedText | NamedAnswers:
    """The benchmark of a name.

    Raises:
        UnknownName: with near misses and all names.
    """
    if name not in _CATALOG:
        near = difflib.get_close_matches(name, _CATALOG, n=2, cutoff=0.4)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"unknown benchmark {name!r}.{meant} There are: {', '.join(_CATALOG)}")
    return _CATALOG[name]
