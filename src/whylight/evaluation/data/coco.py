"""COCO instances: ``annotations/instances_val2017.json`` with polygons and run lengths, pictures in ``val2017``."""

from __future__ import annotations

import json
from collections import defaultdict
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from whylight.errors import BadInput
from whylight.evaluation.data.data_set import Mask, Region, Sample, Source, Unusable
from whylight.evaluation.data.files import existing, fingerprint, inside, open_picture, sizes
from whylight.runs.from_json import from_json
from whylight.runs.inputs.once import once


class CocoInstances(Source):
    """Pictures with one region per category: all its instances together; crowds do not count.

    Args:
        path: COCO's folder.
        part: "val2017" or "train2017".

    Raises:
        BadInput: a file is missing, truncated or of another layout.
    """

    name = "COCO"

    def __init__(self, path: Path, part: str = "val2017") -> None:
        self.pictures = existing(path / part, "COCO's folder of pictures")
        self.file = existing(path / "annotations" / f"instances_{part}.json", "COCO's annotations")
        try:
            content = from_json(self.file.read_text(encoding="utf-8"))
            names = {int(c["id"]): str(c["name"]) for c in content["categories"]}
            images = [(int(p["id"]), str(p["file_name"])) for p in content["images"]]
            pictures = dict(once(once(images, self.file.name, itemgetter(1)), self.file.name, itemgetter(0)))
            # What is annotated under another number of the same picture is in it, too.
            numbers = {name: number for number, name in pictures.items()}
            same = {number: numbers.get(name, number) for number, name in images}
            found: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for annotation in content["annotations"]:
                number = int(annotation["image_id"])
                found[same.get(number, number)].append(annotation)
                names[int(annotation["category_id"])]
        except json.JSONDecodeError as error:
            raise BadInput(f"{self.file.name} is no complete JSON: {error}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{self.file.name} has not COCO's layout: {error!r}") from None
        self._names = names
        self.classes = {name: name for name in names.values()}
        kept = sorted(i for i in pictures if any(not a.get("iscrowd") for a in found[i]))
        self.names = [pictures[i] for i in kept]
        self._annotations = [found[i] for i in kept]
        if not self.names:
            raise BadInput(f"{self.file.name} annotates no picture")

    def read(self, index: int) -> Sample:
        picture = open_picture(inside(self.pictures, self.names[index]))
        size = (picture.height, picture.width)
        objects: dict[str, npt.NDArray[np.bool_]] = {}
        crowds: dict[str, npt.NDArray[np.bool_]] = {}
        for annotation in self._annotations[index]:
            label = self._names[int(annotation["category_id"])]
            into = crowds if annotation.get("iscrowd") else objects
            mask = decode(annotation.get("segmentation"), size)
            into[label] = into[label] | mask if label in into else mask
        regions = []
        for label, mask in objects.items():
            if mask.any():
                labelled: Mask = mask.astype(np.int8)
                if label in crowds:
                    labelled[crowds[label] & ~mask] = -1
                regions.append(Region(label, mask=labelled))
        if not regions:
            raise Unusable("no instance covers a pixel")
        return Sample(self.names[index], picture, tuple(regions))

    def fingerprint(self) -> str:
        return fingerprint(self.file, sizes(self.pictures / name for name in self.names))


def decode(segmentation: Any, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """A COCO segmentation as a mask (height, width): a list of polygons, or run lengths, plain or compressed.

    Raises:
        Unusable: malformed, or of another size than the picture.
    """
    try:
        if isinstance(segmentation, list):
            return _fill(segmentation, size)
        if tuple(segmentation["size"]) != size:
            raise Unusable(f"a mask is {segmentation['size']}, its picture {list(size)} (height, width)")
        counts = segmentation["counts"]
        runs = _decompress(counts) if isinstance(counts, str | bytes) else [int(c) for c in counts]
        if sum(runs) != size[0] * size[1]:
            raise Unusable(f"a mask's run lengths cover {sum(runs)} pixels of {size[0] * size[1]}")
        values = np.arange(len(runs)) % 2 == 1
        return np.repeat(values, runs).reshape(size[1], size[0]).T
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unusable(f"a segmentation does not read: {error!r}") from None


def _fill(polygons: list[list[float]], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Pixels whose centres lie inside any of the polygons, drawn four times finer."""
    fine = 4
    canvas = Image.new("1", (size[1] * fine, size[0] * fine))
    pen = ImageDraw.Draw(canvas)
    for polygon in polygons:
        corners = [(x * fine, y * fine) for x, y in zip(polygon[0::2], polygon[1::2], strict=True)]
        pen.polygon(corners, fill=1)
    share = np.asarray(canvas).reshape(size[0], fine, size[1], fine).mean((1, 3))
    filled: npt.NDArray[np.bool_] = share >= 0.5
    return filled


def _decompress(text: str | bytes) -> list[int]:
    """COCO's compressed run lengths.

    Each character minus 48 holds six bits: five of a number, lowest first, and whether more follow; the fifth of the
    last is the sign. From the fourth number on they are differences to the run two before.
    """
    runs: list[int] = []
    value = shift = 0
    for code in text.encode() if isinstance(text, str) else text:
        bits = code - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
