"""Pictures as benchmarks show them to a model, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from whylight.errors import UnsupportedModel
from whylight.evaluation.benchmarks.benchmark import Benchmark
from whylight.evaluation.benchmarks.rows import Skipped, read_or_skip
from whylight.evaluation.data.data_set import Source
from whylight.models.preprocessing import Preprocessing
from whylight.models.view import View


@dataclass(frozen=True)
class Prepared:
    """A picture, ready for the model: pixels (3, height, width), (label, truth) of each region, and a class that it
    does not hold."""

    name: str
    pixels: Tensor
    asked: tuple[tuple[str, Any], ...]
    absent: str | None = None


def preprocessing_of(view: View) -> Preprocessing:
    """How benchmarks prepare pictures: squashed to the model's input size, bilinear, as the protocols say.

    What the patches leave over of that size is cut off it, so that maps cover the whole picture.

    Raises:
        UnsupportedModel: the model reads no pictures.
    """
    if view.preprocessing is None:
        raise UnsupportedModel(f"{view.name} reads no pictures: benchmarks are for picture models")
    rows, columns = (
        side - side % patch for side, patch in zip(view.preprocessing.size, view.preprocessing.patch, strict=True)
    )
    return replace(view.preprocessing.resized((rows, columns), "squash"), crop_fraction=1.0, interpolation="bilinear")


def prepare(source: Source, index: int, benchmark: Benchmark, preprocessing: Preprocessing) -> Prepared | Skipped:
    """Read a picture and what is asked of it; runs in the decoding workers."""
    sample = read_or_skip(source, index)
    if isinstance(sample, Skipped):
        return sample
    truths = ((region.label, benchmark.truth(sample, region, preprocessing.size)) for region in sample.regions)
    asked = tuple((label, truth) for label, truth in truths if truth is not None)
    if not asked:
        return Skipped(sample.name, "nothing in it can be asked for (every region is empty at the model's size)")
    return Prepared(sample.name, preprocessing(sample.picture)[0], asked, source.absent(sample))
