"""Invert a spot of the picture before the processor sees it: the token of the cell there must move most in its grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from zoo.answering_models import MADE, QUESTION, answering_model, rough_picture

import whylight
from whylight.models.picture_grid import Grid
from whylight.models.transformers.answering.view import AnsweringView

CASES: list[tuple[str, tuple[int, int], dict[str, Any]]] = [
    *[(family, size, {}) for family in MADE for size in ((80, 120), (97, 61))],
    ("llava_next", (80, 160), {}),
    ("qwen2_5_vl", (140, 300), {}),
    ("smolvlm", (90, 60), {"do_image_splitting": False}),
    ("gemma3", (60, 150), {"do_pan_and_scan": True, "pan_and_scan_min_crop_size": 30}),
    ("gemma3", (151, 60), {"do_pan_and_scan": True, "pan_and_scan_min_crop_size": 30}),
    ("internvl", (150, 60), {"crop_to_patches": False}),
    ("internvl", (56, 56), {}),
]


def tokens_of(view: AnsweringView, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        return view.begin(view.place(inputs)).tokens[0]


def inverted(picture: Image.Image, grid: Grid, row: int, column: int) -> Image.Image:
    """0.7 of a cell, at its center."""
    height, width = picture.height, picture.width
    down, across = grid.center(row, column)
    top, left, bottom, right = grid.frame
    half = max(1, 0.35 * (bottom - top) / grid.rows * height), max(1, 0.35 * (right - left) / grid.columns * width)
    pixels = np.array(picture)
    rows = slice(max(0, round(down * height - half[0])), round(down * height + half[0]))
    columns = slice(max(0, round(across * width - half[1])), round(across * width + half[1]))
    pixels[rows, columns] = 255 - pixels[rows, columns]
    return Image.fromarray(pixels)


def check(view: AnsweringView, question: str, picture: Image.Image, options: dict[str, Any], most: int = 12) -> None:
    inputs = view.inputs(question, [picture], **options)
    before = tokens_of(view, inputs)
    (grids,) = view.layout(inputs, [(picture.height, picture.width)])
    cells = [(g, r, c) for g in grids for r in range(g.rows) for c in range(g.columns)]
    seen = [cell for cell in cells if all(0 < at < 1 for at in cell[0].center(*cell[1:]))]
    assert seen
    for grid, row, column in seen[:: max(1, len(seen) // most)]:
        changed = view.inputs(question, [inverted(picture, grid, row, column)], **options)
        moved = (tokens_of(view, changed) - before).norm(dim=-1)
        places = grid.positions().flatten()
        assert int(places[moved[places].argmax()]) == grid.position(row, column)


@pytest.mark.parametrize(("family", "size", "options"), CASES)
def test_cells(family: str, size: tuple[int, int], options: dict[str, Any]) -> None:
    model, processor, prompt = answering_model(family)
    check(whylight.wrap(model, processor=processor), prompt.format(QUESTION), rough_picture(*size), options)


def test_onevision_shrunk() -> None:
    model, processor, prompt = answering_model("llava_onevision")
    model.config.vision_aspect_ratio = processor.vision_aspect_ratio = "anyres_max_1"
    check(whylight.wrap(model, processor=processor), prompt.format(QUESTION), rough_picture(90, 100), {})


def test_llava_padded_and_with_class_token() -> None:
    model, processor, prompt = answering_model("llava")
    processor.image_processor.do_pad = True
    check(whylight.wrap(model, processor=processor), prompt.format(QUESTION), rough_picture(80, 120), {})
    model, processor, prompt = answering_model("llava")
    model.config.vision_feature_select_strategy = processor.vision_feature_select_strategy = "full"
    check(whylight.wrap(model, processor=processor), prompt.format(QUESTION), rough_picture(80, 120), {})
