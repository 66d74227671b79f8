"""What a list names twice counts once, whatever reads the list, and a line says how many."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from whylight.errors import WhylightWarning
from whylight.evaluation.data.boxes import BoxedPictures
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.data_set import DataSet
from whylight.evaluation.data.label_maps import ade20k, pascal_voc, semantic_folder
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.data.openimages import OpenImagesPoints
from whylight.evaluation.data.videos import VideoFrames
from whylight.runs.inputs.find import Layout, find_inputs


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), 1).save(path)
    return path


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def boxes(at: Path) -> DataSet[Any]:
    picture(at / "images/a.png"), picture(at / "images/b.png")
    text(at / "val_annotations.txt", *["a.png n01443537 0 0 3 3", "b.png n01443537 0 0 3 3", "a.png n01443537 1 1 3 3"])
    return BoxedPictures(at)


def voc(at: Path) -> DataSet[Any]:
    text(at / "ImageSets/Segmentation/val.txt", "a", "b", "a")
    return pascal_voc(at)


def scene_parsing(at: Path) -> DataSet[Any]:
    for name in ("a.jpg", "a.png", "b.jpg"):
        picture(at / "images/validation" / name)
    (at / "annotations/validation").mkdir(parents=True)
    text(at / "objectInfo150.txt", "Idx\tName", "1\tcat")
    return ade20k(at)


def folder(at: Path) -> DataSet[Any]:
    for name in ("a.jpg", "a.png", "b.jpg"):
        picture(at / "images" / name)
    (at / "masks").mkdir()
    text(at / "semantic_classes.yaml", "classes: {1: cat}")
    return semantic_folder(at)


def frames(at: Path) -> DataSet[Any]:
    for name in ("a.jpg", "a.png", "b.jpg"):
        picture(at / "JPEGImages/dog" / name)
    (at / "Annotations").mkdir()
    return VideoFrames(at)


def coco(at: Path) -> DataSet[Any]:
    picture(at / "val2017/a.png"), picture(at / "val2017/b.png")
    images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}, {"id": 7, "file_name": "a.png"}]
    left, right = ([[x, 0, x + 4, 0, x + 4, 8, x, 8]] for x in (0, 4))
    annotations = [
        {"image_id": image, "category_id": 3, "segmentation": where}
        for image, where in ((1, left), (2, left), (7, right))
    ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "cat"}]}
    text(at / "annotations/instances_val2017.json", json.dumps(content))
    return CocoInstances(at)


def points(at: Path) -> DataSet[Any]:
    picture(at / "images/a.jpg"), picture(at / "images/b.jpg")
    rows = [f"{name},{x},0.5,/m/01yrx,{yes},Cat" for name, x, yes in (("a", 0.5, "yes"), ("b", 0.5, "yes"))]
    head = "ImageId,X,Y,Label,EstimatedYesNo,TextLabel"
    text(at / "oidv7-val-annotations-point-labels.csv", head, *rows, rows[0].replace("yes", "no"))
    return OpenImagesPoints(at)


def reviews(at: Path) -> DataSet[Any]:
    lines = [json.dumps({"annotation_id": name, "classification": "POS", "evidences": []}) for name in ("a", "b", "a")]
    text(at / "test.jsonl", *lines)
    text(at / "docs/a", "good"), text(at / "docs/b", "fine")
    return MovieReviews(at)


READERS = [boxes, voc, scene_parsing, folder, frames, coco, points, reviews]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_it_counts_once(read: Callable[[Path], DataSet[Any]], tmp_path: Path) -> None:
    with pytest.warns(WhylightWarning, match="1 entry names what was named before .*: each counts once") as said:
        source = read(tmp_path)
    assert len(said) == 1
    assert [name.rpartition("/")[2].partition(".")[0] for name in source.names] == ["a", "b"]


def test_every_reader_is_asked() -> None:
    """A data set that reads files is in the list above, or cannot name a picture twice."""
    folder = Path(__file__).parents[3] / "src/whylight/evaluation/data"
    readers = {path.stem for path in folder.glob("*.py") if "class " in path.read_text() and "(Path" not in path.stem}
    tested = {"boxes", "label_maps", "videos", "coco", "openimages", "movie_reviews"}
    by_number = {"imagenet_segmentation", "scenes", "scene_questions", "collages"}
    by_file = {"imagenet"}  # one class for each file that is there
    assert readers - {"data_set", "files"} == tested | by_number | by_file


def test_of_points_the_first_counts_and_of_masks_all(tmp_path: Path) -> None:
    with pytest.warns(WhylightWarning):
        (cat,) = points(tmp_path / "points").read(0).regions
    assert cat.points.yes.tolist() == [True]
    with pytest.warns(WhylightWarning):
        (cat,) = coco(tmp_path / "coco").read(0).regions
    assert np.array_equal(cat.mask, np.ones((8, 8)))


def test_inputs_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture(Path("p/a.png")), picture(Path("p/b.png"))
    text(Path("list.txt"), "p/a.png", "./p/a.png", "p/b.png", "p/a.png")
    for names, count in ((("list.txt",), "2 entries name"), (("p", "p/a.png", "p/*.png"), "3 entries name")):
        with pytest.warns(WhylightWarning, match=f"{count} what was named before") as said:
            (shard,) = find_inputs(names, Layout()).shards
        assert len(said) == 1
        assert [sample.key for sample in shard.samples()] == ["p/a.png", "p/b.png"]
    with pytest.warns(WhylightWarning, match="list"):
        assert find_inputs(["p", "list.txt"], Layout()).sizes == (2,)


def test_what_is_named_once_is_not_spoken_of(tmp_path: Path) -> None:
    picture(tmp_path / "p/a.png"), picture(tmp_path / "p/b.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_inputs([str(tmp_path / "p")], Layout())
