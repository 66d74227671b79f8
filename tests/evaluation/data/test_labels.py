"""Readers of classes, points and boxes, each on small files made in the data set's true layout, and on faults."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from PIL import Image

from whylight.errors import BadInput, MissingExtra
from whylight.evaluation.data.boxes import BoxedPictures
from whylight.evaluation.data.data_set import Unusable, read_one
from whylight.evaluation.data.imagenet import LabelledPictures
from whylight.evaluation.data.openimages import OpenImagesPoints


def save_picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), "red").save(path, format="JPEG")


HEAD = "ImageId,X,Y,Label,EstimatedYesNo,Source,YesVotes,NoVotes,UnsureVotes,TextLabel"
ROWS = [
    "aa,0.25,0.5,/m/01yrx,yes,cc,3,0,0,Cat",
    "aa,0.75,0.5,/m/01yrx,no,cc,0,3,0,Cat",
    "aa,0.5,0.5,/m/01yrx,unsure,cc,1,1,1,Cat",
    "aa,0.5,0.1,/m/0bt9lr,no,cc,0,3,0,Dog",
    "bb,0.5,0.1,/m/0bt9lr,no,cc,0,3,0,Dog",
    "cc,0.0,1.0,/m/0bt9lr,yes,ih,1,0,0,Dog",
]


def make_points(folder, rows=ROWS, head=HEAD):
    (folder / "oidv7-val-annotations-point-labels.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "classes.csv").write_text("LabelName,DisplayName\n/m/01yrx,Cat\n/m/0bt9lr,Dog\n")
    for name in ("aa", "cc"):
        save_picture(folder / "images" / f"{name}.jpg")


def test_openimages_points(tmp_path):
    make_points(tmp_path)
    source = OpenImagesPoints(tmp_path)
    assert source.names == ["aa", "cc"], "a picture without a class that is there has no map"
    assert source.classes == {"/m/01yrx": "cat", "/m/0bt9lr": "dog"}
    (cat,) = source.read(0).regions
    assert cat.points.x.tolist() == [0.25, 0.75]
    assert cat.points.yes.tolist() == [True, False]
    (tmp_path / "classes.csv").unlink()
    assert OpenImagesPoints(tmp_path).classes == source.classes


@pytest.mark.parametrize(
    ("rows", "head", "says"),
    [
        (ROWS, HEAD.replace("EstimatedYesNo", "Answer"), "no column EstimatedYesNo"),
        ([*ROWS, "dd,0.5"], HEAD, "truncated"),
        ([*ROWS, "dd,0.5,0.5,/m/09999,yes,cc,3,0,0,Owl"], HEAD, "/m/09999"),
        ([], HEAD, "no picture"),
    ],
)
def test_openimages_faults(tmp_path, rows, head, says):
    make_points(tmp_path, rows, head)
    with pytest.raises(BadInput, match=says):
        OpenImagesPoints(tmp_path)


@pytest.mark.parametrize(("x", "answer"), [("1.5", "yes"), ("left", "yes"), ("", "yes"), ("0.5", "perhaps")])
def test_openimages_rows_that_do_not_read_skip_one_picture(tmp_path, x, answer):
    make_points(tmp_path, [*ROWS, f"dd,{x},0.5,/m/01yrx,{answer},cc,3,0,0,Cat"])
    source = OpenImagesPoints(tmp_path)
    assert source.names == ["aa", "cc", "dd"]
    assert source.read(0).regions
    with pytest.raises(Unusable, match=r"not yes, no or unsure at X and Y in \[0, 1\]"):
        source.read(2)


def test_openimages_picture_that_is_missing_is_skipped_by_name(tmp_path):
    make_points(tmp_path)
    (tmp_path / "images" / "cc.jpg").write_bytes(b"no picture")
    with pytest.raises(Unusable, match=r"cc\.jpg does not decode"):
        OpenImagesPoints(tmp_path).read(1)


def test_class_folders(tmp_path):
    for name in ("n01440764/a.JPEG", "n01443537/b.JPEG"):
        save_picture(tmp_path / name)
    source = LabelledPictures(tmp_path)
    assert [source.label(i) for i in range(2)] == ["n01440764", "n01443537"]
    assert len(source.classes) == 1000
    assert list(source.classes)[:2] == ["n01440764", "n01443537"]
    assert source.classes["n01443537"] == "goldfish"


def make_flat(folder):
    for i in (1, 2, 3):
        save_picture(folder / "val" / f"ILSVRC2012_val_{i:08d}.JPEG")
    return folder / "val"


def test_flat_folder_with_synsets(tmp_path):
    flat = make_flat(tmp_path)
    with pytest.raises(BadInput, match="nothing says the classes"):
        LabelledPictures(flat)
    (tmp_path / "imagenet_2012_validation_synset_labels.txt").write_text("n01751748\nn09193705\nn02105855\n")
    source = LabelledPictures(flat)
    assert [source.label(i) for i in range(3)] == ["n01751748", "n09193705", "n02105855"]
    (tmp_path / "imagenet_2012_validation_synset_labels.txt").write_text("n01751748\n")
    with pytest.raises(BadInput, match="1 classes for 3 pictures"):
        LabelledPictures(flat)


def test_flat_folder_with_the_development_kits_numbers(tmp_path):
    flat = make_flat(tmp_path)
    kit = tmp_path / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text("2\n1\n2\n")
    with pytest.raises(BadInput, match=r"meta\.mat"):
        LabelledPictures(flat)
    synsets = np.array([(1, "n02119789"), (2, "n02100735")], dtype=[("ILSVRC2012_ID", "O"), ("WNID", "O")])
    scipy.io.savemat(kit / "meta.mat", {"synsets": synsets})
    source = LabelledPictures(flat)
    assert [source.label(i) for i in range(3)] == ["n02100735", "n02119789", "n02100735"]
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text("2\n1\n7\n")
    with pytest.raises(BadInput, match="does not know"):
        LabelledPictures(flat)


def test_flat_folder_with_ids_in_file_names(tmp_path):
    save_picture(tmp_path / "n07583066_guacamole.JPEG")
    source = LabelledPictures(tmp_path)
    assert source.read(0).regions[0].label == "n07583066"
    assert source.read(0).name == "n07583066_guacamole.JPEG"


def test_boxes(tmp_path):
    save_picture(tmp_path / "images" / "val_0.JPEG")
    (tmp_path / "val_annotations.txt").write_text("val_0.JPEG\tn01443537\t0\t3\t15\t9\n")
    (region,) = BoxedPictures(tmp_path).read(0).regions
    assert (region.label, region.box) == ("n01443537", (0, 3, 16, 10))
    (tmp_path / "val_annotations.txt").write_text("val_0.JPEG\tn01443537\t0\t3\t16\t9\n")
    with pytest.raises(Unusable, match="does not fit"):
        BoxedPictures(tmp_path).read(0)
    (tmp_path / "val_annotations.txt").write_text("val_0.JPEG\tn01443537\t0\t3\n")
    with pytest.raises(Unusable, match="not four numbers"):
        BoxedPictures(tmp_path).read(0)
    (tmp_path / "val_annotations.txt").write_text("val_0.JPEG\n")
    with pytest.raises(BadInput, match="line 1"):
        BoxedPictures(tmp_path)


@pytest.mark.parametrize("error", [RuntimeError("decoder"), KeyError("a"), MemoryError(), ZeroDivisionError()])
def test_whatever_a_record_raises_skips_it(error):
    class Broken:
        def read(self, index):
            raise error

    with pytest.raises(Unusable, match="does not"):
        read_one(Broken(), 0)


def test_what_concerns_all_records_ends_the_run():
    class Broken:
        def read(self, index):
            raise MissingExtra("h5py", "evaluation")

    with pytest.raises(MissingExtra):
        read_one(Broken(), 0)
