"""Readers of masks, each on small files made in the data set's true layout, and on what goes wrong with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from oracle_files import FOLDER
from PIL import Image

from whylight.errors import BadInput
from whylight.evaluation.data.coco import CocoInstances, decode
from whylight.evaluation.data.data_set import Unusable
from whylight.evaluation.data.imagenet_segmentation import ImageNetSegmentation
from whylight.evaluation.data.label_maps import ade20k, pascal_voc, semantic_folder
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.data.videos import VideoFrames

SAMPLE = FOLDER / "gtsegs_format_sample.mat"


def save_picture(path: Path, size=(12, 8), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def save_map(path: Path, numbers):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(numbers, dtype=np.uint8), mode="L").save(path)


def test_imagenet_segmentation_reads_the_mat_file():
    source = ImageNetSegmentation(SAMPLE)
    assert len(source) == 3
    sample = source.read(2)
    assert sample.picture.size == (52, 70)[::-1]
    (region,) = sample.regions
    assert region.label == "n03376595"
    assert source.classes[region.label] == "folding chair"
    with h5py.File(SAMPLE) as file:
        pixels = file[file["value"]["img"][2, 0]][()]
        label = file[file[file["value"]["gt"][2, 0]][0, 0]][()]
    assert np.array_equal(np.asarray(sample.picture)[5, 60], pixels[:, 60, 5])
    assert np.array_equal(region.mask, label.T)


def test_imagenet_segmentation_faults(tmp_path):
    with pytest.raises(BadInput, match="missing"):
        ImageNetSegmentation(tmp_path)
    cut = tmp_path / "gtsegs_ijcv.mat"
    cut.write_bytes(SAMPLE.read_bytes()[:30000])
    with pytest.raises(BadInput, match="truncated"):
        ImageNetSegmentation(tmp_path)
    with h5py.File(tmp_path / "other.mat", "w") as file:
        file["something"] = 1
    with pytest.raises(BadInput, match="layout"):
        ImageNetSegmentation(tmp_path / "other.mat")
    shutil.copy(SAMPLE, cut)
    cut.chmod(0o644)
    with h5py.File(cut, "r+") as file:
        reference = file[file["value"]["gt"][1, 0]][0, 0]
        name = file[reference].name
        del file[name]
        file[name] = np.zeros((10, 10), np.uint8)
        holder = file[file["value"]["gt"][1, 0]]
        holder[0, 0] = file[name].ref
    source = ImageNetSegmentation(cut)
    with pytest.raises(Unusable, match="label is"):
        source.read(1)
    assert source.fingerprint() != ImageNetSegmentation(SAMPLE).fingerprint()


def make_voc(folder: Path):
    root = folder / "VOCdevkit" / "VOC2012"
    save_picture(root / "JPEGImages" / "2007_000033.jpg")
    numbers = np.zeros((8, 12))
    numbers[:4, :4], numbers[4:, 8:], numbers[4] = 1, 15, 255
    save_map(root / "SegmentationClass" / "2007_000033.png", numbers)
    names = root / "ImageSets" / "Segmentation" / "val.txt"
    names.parent.mkdir(parents=True)
    names.write_text("2007_000033\n")
    return root


def test_voc_has_one_region_per_class_and_leaves_the_border_out(tmp_path):
    make_voc(tmp_path)
    sample = pascal_voc(tmp_path).read(0)
    assert [r.label for r in sample.regions] == ["aeroplane", "person"]
    assert (sample.regions[0].mask == 1).sum() == 16
    assert (sample.regions[1].mask[4] == -1).all()
    assert (sample.regions[1].mask[:4] == 0).all()


def test_a_mask_that_does_not_fit_is_named(tmp_path):
    root = make_voc(tmp_path)
    mask = root / "SegmentationClass" / "2007_000033.png"
    save_map(mask, np.ones((9, 12)))
    with pytest.raises(Unusable, match=r"2007_000033.png is 12 x 9, its picture 12 x 8"):
        pascal_voc(tmp_path).read(0)
    save_picture(mask)
    with pytest.raises(Unusable, match="RGB colours"):
        pascal_voc(tmp_path).read(0)
    mask.write_bytes(mask.read_bytes()[:60])
    with pytest.raises(Unusable, match="does not decode"):
        pascal_voc(tmp_path).read(0)
    mask.unlink()
    with pytest.raises(Unusable, match="is missing"):
        pascal_voc(tmp_path).read(0)
    (root / "ImageSets" / "Segmentation" / "val.txt").unlink()
    with pytest.raises(BadInput, match="list of pictures is missing"):
        pascal_voc(tmp_path)


def test_ade20k(tmp_path):
    save_picture(tmp_path / "images" / "validation" / "ADE_val_00000001.jpg")
    numbers = np.zeros((8, 12))
    numbers[:2], numbers[6:] = 1, 3
    save_map(tmp_path / "annotations" / "validation" / "ADE_val_00000001.png", numbers)
    (tmp_path / "objectInfo150.txt").write_text(
        "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1576\t11664\t1172\t1\twall\n3\t0.0878\t8691\t888\t1\tsky, heaven\n"
    )
    sample = ade20k(tmp_path).read(0)
    assert [r.label for r in sample.regions] == ["wall", "sky"]
    assert (sample.regions[0].mask[2:6] == -1).all()
    (tmp_path / "objectInfo150.txt").write_text("name\nwall\n")
    with pytest.raises(BadInput, match="Idx to Name"):
        ade20k(tmp_path)


def test_semantic_folder(tmp_path):
    save_picture(tmp_path / "images" / "7.jpg")
    save_map(tmp_path / "semantic_masks" / "7.png", np.tile([0] * 4 + [51] * 4 + [99] * 4, (8, 1)))
    (tmp_path / "semantic_classes.yaml").write_text("classes:\n  0: unlabeled\n  51: bowl\n")
    (region,) = semantic_folder(tmp_path).read(0).regions
    assert region.label == "bowl"
    assert region.mask[0].tolist() == [-1] * 4 + [1] * 4 + [0] * 4


def coco_content(segmentation, crowd=0):
    return {
        "images": [{"id": 5, "file_name": "5.jpg", "width": 12, "height": 8}],
        "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 17, "iscrowd": 0, "segmentation": [[2, 1, 6, 1, 6, 5, 2, 5]]},
            {"id": 2, "image_id": 5, "category_id": 17, "iscrowd": crowd, "segmentation": segmentation},
        ],
    }


def make_coco(folder: Path, content):
    save_picture(folder / "val2017" / "5.jpg")
    file = folder / "annotations" / "instances_val2017.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def test_coco_polygons_and_run_lengths(tmp_path):
    # 80 pixels in columns of 8: two whole columns (10 and 11) belong to the second instance.
    make_coco(tmp_path, coco_content({"size": [8, 12], "counts": [80, 16]}))
    (region,) = CocoInstances(tmp_path).read(0).regions
    expected = np.zeros((8, 12))
    expected[1:5, 2:6] = expected[:, 10:] = 1
    assert np.array_equal(region.mask, expected)
    make_coco(tmp_path, coco_content({"size": [8, 12], "counts": [80, 16]}, crowd=1))
    (region,) = CocoInstances(tmp_path).read(0).regions
    assert (region.mask[:, 10:] == -1).all()


@pytest.mark.parametrize(
    ("text", "runs"),
    # Written with pycocotools' encoder.
    [("`2`0", [80, 16]), ("1e0o01F", [1, 21, 31, 22, 21]), ("3X12iN`1", [3, 40, 2, 1, 50])],
)
def test_coco_compressed_run_lengths(text, runs):
    mask = decode({"size": [8, 12], "counts": text}, (8, 12))
    expected = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    assert np.array_equal(mask.T.ravel(), expected)


def test_coco_faults(tmp_path):
    with pytest.raises(Unusable, match="picture"):
        decode({"size": [8, 13], "counts": [104]}, (8, 12))
    with pytest.raises(Unusable, match="run lengths cover"):
        decode({"size": [8, 12], "counts": [80, 17]}, (8, 12))
    file = make_coco(tmp_path, coco_content([[1, 1, 3, 1, 3, 3]]))
    file.write_text(file.read_text()[:-40])
    with pytest.raises(BadInput, match="no complete JSON"):
        CocoInstances(tmp_path)
    file.write_text("{}")
    with pytest.raises(BadInput, match="layout"):
        CocoInstances(tmp_path)


def test_video_frames(tmp_path):
    for frame, number in (("00000", 0), ("00005", 255)):
        save_picture(tmp_path / "JPEGImages" / "480p" / "car-roundabout" / f"{frame}.jpg")
        save_map(tmp_path / "Annotations" / "480p" / "car-roundabout" / f"{frame}.png", np.full((8, 12), number))
    source = VideoFrames(tmp_path)
    assert source.classes == {"car-roundabout": "car roundabout"}
    with pytest.raises(Unusable, match="no object"):
        source.read(0)
    assert (source.read(1).regions[0].mask == 1).all()


def test_scenes_hold_what_they_say():
    masks, points = Scenes(4, "masks"), Scenes(4, "points")
    for index in range(4):
        regions = {r.label: r.mask for r in masks.read(index).regions}
        assert len(regions) >= 2
        for region in points.read(index).regions:
            where = region.points
            mask = regions[region.label]
            rows, columns = (where.y * mask.shape[0]).astype(int), (where.x * mask.shape[1]).astype(int)
            assert np.array_equal(mask[rows, columns] == 1, where.yes)
            assert where.yes.any()
            assert not where.yes.all()
    colors = Scenes(4, "color")
    assert [colors.label(i) for i in range(4)] == [colors.read(i).regions[0].label for i in range(4)]
    assert set(colors.classes) >= {colors.label(i) for i in range(4)}
    assert masks.fingerprint() != points.fingerprint() != Scenes(5, "points").fingerprint()
