"""Files that say what is in a data set's pictures: COCO's JSON, boxes in a text, reviews in JSON lines, points in CSV.

Wrong is: a picture whose own entries were not touched, and that is gone, skipped or has another mask; a box, a piece
of evidence or a point that is not what its line says.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from fuzzing.configurations import changed
from fuzzing.damage import damaged
from fuzzing.drawn import drawn, json_like, texts
from fuzzing.trial import Attempt, check
from whylight.evaluation.data.boxes import BoxedPictures
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.data_set import DataSet, Unusable, read_one
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.data.openimages import OpenImagesPoints

_SIZE = (12, 16)
_NAMES = ("a.png", "b.png", "c.png")


def prepare(folder: Path) -> Attempt:
    kinds: list[Callable[[Random, Path], str | None]] = [_coco, _coco, _boxes, _reviews, _points]
    return lambda random, here: random.choice(kinds)(random, here)


def _pictures(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate(_NAMES):
        Image.new("RGB", _SIZE[::-1], (number, 0, 0)).save(folder / name)
        Image.new("RGB", _SIZE[::-1], (number, 0, 0)).save(folder / f"{name[0]}.jpg")


def _read(source: DataSet[Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What reads by name, and why the others do not."""
    good, bad = {}, {}
    source.fingerprint()
    for index, name in enumerate(source.names):
        try:
            good[name] = read_one(source, index)
        except Unusable as error:
            bad[name] = str(error)
    return good, bad


def _said(bad: dict[str, str]) -> str | None:
    return next(iter(bad.values()), None)


def _coco(random: Random, here: Path) -> str | None:
    _pictures(here / "val2017")
    (here / "annotations").mkdir()
    file = here / "annotations" / "instances_val2017.json"
    tree, masks = _tree(random)
    mutated = changed(copy.deepcopy(tree), random)
    if random.random() < 0.7:
        file.write_text(json.dumps(mutated))
        good, bad = _read(CocoInstances(here))
        for picture in tree["images"]:
            if _own(tree, picture["id"]) == _own(mutated, picture["id"]):
                name = picture["file_name"]
                check(name in good, f"{name} was not touched, and {bad.get(name, 'is gone')}")
                found = {r.label: r.mask for r in good[name].regions}
                check(_same(found, masks[name]), f"{name} was not touched, and has another mask")
        return _said(bad)
    file.write_bytes(damaged(json.dumps(tree).encode(), random).data)
    return _said(_read(CocoInstances(here))[1])


def _tree(random: Random) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Three pictures with run lengths of random masks, and the masks."""
    tree: dict[str, Any] = {"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}], "images": []}
    tree["annotations"], masks = [], {}
    for number, name in enumerate(_NAMES):
        tree["images"].append({"id": number, "file_name": name, "height": _SIZE[0], "width": _SIZE[1]})
        masks[name] = {}
        for category, label in ((1, "cat"), (2, "dog")):
            mask = np.random.default_rng(random.randrange(2**32)).random(_SIZE) < 0.5
            runs = [0, *_runs(mask.T.ravel())] if mask[0, 0] else _runs(mask.T.ravel())
            entry = {"image_id": number, "category_id": category, "iscrowd": 0}
            tree["annotations"].append(entry | {"segmentation": {"size": list(_SIZE), "counts": runs}})
            masks[name][label] = mask
    return tree, masks


def _runs(values: Iterable[Any]) -> list[int]:
    lengths, last = [], None
    for value in values:
        if value == last:
            lengths[-1] += 1
        else:
            lengths.append(1)
        last = value
    return lengths


def _own(tree: Any, number: int) -> Any:
    """All entries that a picture's regions depend on, as text; None where they are not of COCO's layout."""
    try:
        rows = [a for a in tree["annotations"] if int(a["image_id"]) == number]
        own = [p for p in tree["images"] if int(p["id"]) == number]
        return json.dumps([tree["categories"], own, rows])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _same(found: dict[str, Any], masks: dict[str, Any]) -> bool:
    return found.keys() == masks.keys() and all(np.array_equal(found[label] == 1, masks[label]) for label in masks)


def _boxes(random: Random, here: Path) -> str | None:
    _pictures(here / "images")
    edges = {name: sorted(random.sample(range(_SIZE[0]), 2)) for name in _NAMES}
    lines = [f"{name}\tn01440764\t{low}\t{low}\t{high}\t{high}" for name, (low, high) in edges.items()]
    spoiled = random.randrange(len(lines))
    fields = lines[spoiled].split("\t")
    fields[random.randrange(6)] = random.choice(
        ["nan", "inf", "1e999", "-1", "", "x", "9" * 400, "../a.png", "/dev/zero"]
    )
    lines[spoiled] = random.choice(["\t".join(fields), drawn(texts, random), "", "\t" * 8])
    (here / "val_annotations.txt").write_bytes("\n".join(lines).encode("utf-8", "replace"))
    good, bad = _read(BoxedPictures(here))
    for number, name in enumerate(_NAMES):
        if number != spoiled and name in good:
            low, high = edges[name]
            check(good[name].regions[0].box == (low, low, high + 1, high + 1), f"{name} has another box than its line")
        check(number == spoiled or name in good, f"{name} was not touched, and {bad.get(name, 'is gone')}")
    return _said(bad)


def _reviews(random: Random, here: Path) -> str | None:
    (here / "docs").mkdir()
    spans: dict[str, tuple[int, int]] = {}
    lines = []
    for name in _NAMES:
        (here / "docs" / name).write_text("one two three four five six")
        start, stop = sorted(random.sample(range(7), 2))
        span = {"docid": name, "start_token": start, "end_token": stop}
        lines.append(json.dumps({"annotation_id": name, "classification": "POS", "evidences": [[span]]}))
        spans[name] = (start, stop)
    spoiled = random.randrange(len(lines))
    other = changed(json.loads(lines[spoiled]), random)
    bytes_ = damaged(lines[spoiled].encode(), random).data.replace(b"\n", b" ")
    garbage = random.choice([json.dumps(other), json.dumps(drawn(json_like, random)), "[" * 100_000])
    lines[spoiled] = random.choice([garbage, bytes_.decode("utf-8", "replace")])
    (here / "test.jsonl").write_text("\n".join(lines))
    good, bad = _read(MovieReviews(here))
    for number, name in enumerate(_NAMES):
        if number != spoiled:
            check(name in good, f"{name} was not touched, and {bad.get(name, 'is gone')}")
            marked = np.flatnonzero(good[name].evidence).tolist()
            check(marked == list(range(*spans[name])), f"{name} has other evidence than its line")
    return _said(bad)


def _points(random: Random, here: Path) -> str | None:
    _pictures(here / "images")
    lines = ["ImageId,X,Y,Label,EstimatedYesNo,TextLabel"]
    lines += [f"{name[0]},0.25,0.5,/m/01yrx,{answer},cat" for name in _NAMES for answer in ("yes", "no")]
    spoiled = random.randrange(1, len(lines))
    fields = lines[spoiled].split(",")
    fields[random.randrange(6)] = random.choice(["nan", "inf", "-1", "2", "", "x", '"', "../a", "a\0", "unsure"])
    lines[spoiled] = ",".join(fields)
    data = "\n".join(lines).encode()
    (here / "oidv7-val-annotations-point-labels.csv").write_bytes(
        data if random.random() < 0.7 else damaged(data, random).data
    )
    good, bad = _read(OpenImagesPoints(here))
    for name, sample in good.items():
        for region in sample.regions:
            points = region.points
            check(
                points is not None and len(points.x) == len(points.y) == len(points.yes),
                f"{name}: points of two lengths",
            )
            inside = ((points.x >= 0) & (points.x <= 1) & (points.y >= 0) & (points.y <= 1)).all()
            check(bool(inside) and bool(points.yes.any()), f"{name}: a point out of its picture, or no yes")
    return _said(bad)
