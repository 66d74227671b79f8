"""Words of captions, their figures, and the protocol of captions on files in COCO's layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from zoo.answering_models import answering_model

import whylight
from whylight.answers.content import FUNCTION_WORDS
from whylight.evaluation.benchmarks import caption_rows
from whylight.evaluation.benchmarks.caption_rows import CaptionRows
from whylight.evaluation.benchmarks.captions import Captions
from whylight.evaluation.caption_words import Mention, function_words, mentions
from whylight.evaluation.data.coco import CocoInstances
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.method_choices import parse_methods
from whylight.methods.answering.catalog import find_answer_method
from whylight.models.load import load
from whylight.models.transformers.answering.view import AnsweringView


def test_words_for_what_is_annotated() -> None:
    classes = {"1": "traffic light", "2": "person", "3": "dog", "4": "hot dog", "5": "knife", "6": "bus"}
    caption = "Two people and a dog eat hot dogs with knives near the traffic light and the light of a bus"
    said = caption.split()
    assert mentions(said, classes) == [
        Mention("2", (1,)),
        Mention("3", (4,)),
        Mention("4", (6, 7)),
        Mention("5", (9,)),
        Mention("1", (12, 13)),
        Mention("6", (19,)),
    ]
    assert [said[i] for i in function_words(said)] == [w for w in said if w in FUNCTION_WORDS]
    assert [said[i] for i in function_words(said)][:3] == ["and", "a", "with"]


def test_figures() -> None:
    nan = float("nan")
    rows = {
        "picture": np.array(["a", "a", "b", "b"], dtype=object),
        "object_iou": np.array([0.5, None, 0.7, nan], dtype=object),
        "function_iou": np.array([None, 0.9, None, nan], dtype=object),
    }
    figures = Captions().figures(rows)
    assert float(figures["object"].value) == pytest.approx(60)
    assert float(figures["function"].value) == pytest.approx(90)
    assert float(figures["f1"].value) == pytest.approx(2 * 60 * 90 / 150)


def test_on_scenes() -> None:
    """The bundled model's own descriptions: kinds of objects are what its words for objects are held against."""
    source = Scenes(3, "kinds")
    view = load("scenes-answers")
    assert isinstance(view, AnsweringView)
    maker = CaptionRows(view, parse_methods("keyflow,tam", find_answer_method), source.classes)
    rows = maker.rows(map(maker.reader(source), range(3)))
    for row in rows:
        kinds = {region.label for region in source.read(source.names.index(row["picture"])).regions}
        if row.get("object_iou") is not None:
            assert row["label"] in kinds
            assert 0 <= row["object_iou"] <= 1
        else:
            assert row["label"] in FUNCTION_WORDS
            assert 0 <= row["function_iou"] <= 1
    objects = {name: [r["object_iou"] for r in rows if r["method"] == name and "object_iou" in r] for name in
               ("keyflow", "random")}  # fmt: skip
    assert np.mean(objects["keyflow"]) > 3 * np.mean(objects["random"])


def coco(folder: Path) -> Path:
    """Two pictures, one with a circle and a crowd of squares."""
    names = {7: "circle", 9: "square"}
    crowd = {"size": [80, 120], "counts": [4800, 4800]}
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 7, "iscrowd": 0, "segmentation": [[4, 4, 36, 4, 36, 36, 4, 36]]},
        {
            "id": 2,
            "image_id": 1,
            "category_id": 9,
            "iscrowd": 1,
            "segmentation": crowd,
        },
        {"id": 3, "image_id": 2, "category_id": 9, "iscrowd": 0, "segmentation": [[10, 10, 50, 10, 50, 60, 10, 60]]},
    ]
    (folder / "annotations").mkdir(parents=True)
    (folder / "val2017").mkdir()
    content = {
        "categories": [{"id": i, "name": name} for i, name in names.items()],
        "images": [{"id": i, "file_name": f"{i:012}.jpg"} for i in (1, 2)],
        "annotations": annotations,
    }
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    for i in (1, 2):
        pixels = np.random.default_rng(i).integers(0, 255, (80, 120, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "val2017" / f"{i:012}.jpg")
    return folder


def test_on_files_of_coco(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = CocoInstances(coco(tmp_path / "coco"))
    model, processor, prompt = answering_model("qwen2_5_vl", torch.float32)
    view = whylight.wrap(model, processor=processor)
    assert isinstance(view, AnsweringView)
    said = "the big circle is left"
    monkeypatch.setattr(caption_rows, "QUESTION", prompt.format("what is the circle ?"))
    force = caption_rows.force
    monkeypatch.setattr(caption_rows, "force", lambda view, pictures, text, _: force(view, pictures, text, said))
    maker = CaptionRows(view, parse_methods("keyflow,tam", find_answer_method), source.classes)
    rows = maker.rows(map(maker.reader(source), range(2)))
    words = [(row["method"], row["label"]) for row in rows if row["picture"] == source.names[0]]
    expected = [(name, word) for name in ("keyflow", "tam", "centre", "random") for word in ("circle", "the", "is")]
    assert words == expected
    assert [row["skipped"] for row in rows if row["picture"] == source.names[1]] == [
        "its caption names nothing that is annotated"
    ]
