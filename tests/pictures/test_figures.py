"""Figures: one cell for each thing that was asked, whatever the picture's shape and the prompts' words."""

from __future__ import annotations

import ast
import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from pictures_of import explanation

import whylight
from whylight.models.preprocessing import Frame
from whylight.pictures.comparison import comparison_figure
from whylight.pictures.figure import SMALLEST, png


def words_in(figure: Figure) -> list[str]:
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return [text.get_text().replace("\n", " ") for text in texts]


def pictures_in(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_the_picture_first_and_every_overlay_under_its_prompt_and_score(count: int) -> None:
    shown = explanation([f"prompt {index}" for index in range(count)])
    figure = shown.figure()
    first, *overlays = [image for image in pictures_in(figure) if image.ndim == 3]
    np.testing.assert_array_equal(first, np.asarray(shown.picture))
    for index, drawn in enumerate(overlays):
        np.testing.assert_array_equal(drawn, np.asarray(shown.overlay(index)))
    assert len(overlays) == count
    assert {f"prompt {index}" for index in range(count)} <= set(words_in(figure))
    assert words_in(figure).count("cosine 0.250 · logit 1.50") == count
    assert len(png(figure)) > 5000


def test_a_comparison_has_a_row_per_prompt_and_a_column_per_method() -> None:
    methods = ["legrad", "rollout", "gradcam"]
    results = [explanation(["a", "b"], method=method) for method in methods]
    figure = comparison_figure(results)
    assert len([image for image in pictures_in(figure) if image.ndim == 3]) == 2 * (1 + len(methods))
    words = words_in(figure)
    assert all(words.count(method) == 1 for method in methods)
    assert words.count("250 ms") == 3
    assert {"a", "b"} <= set(words)
    assert len(png(figure)) > 5000


@pytest.mark.parametrize("size", [(900, 300), (60, 40), (40, 60), (100, 300)], ids=str)
@pytest.mark.parametrize("prompts", [1, 4])
def test_many_methods_stand_in_bands_that_a_page_can_show(prompts: int, size: tuple[int, int]) -> None:
    names = [f"a_method_of_long_name_{number}" for number in range(17)]
    figure = comparison_figure([explanation(list("abcd")[:prompts], size, name) for name in names])
    cells = [axes.get_position() for axes in figure.axes if any(image.get_array().ndim == 3 for image in axes.images)]
    assert len(cells) == 18 * prompts
    assert figure.get_size_inches()[0] < 12
    tops = sorted({round(box.y1, 6) for box in cells}, reverse=True)
    lefts = {round(box.x0, 6) for box in cells}
    assert 4 <= len(lefts) <= 7
    assert len(tops) == prompts * -(-18 // len(lefts))
    below = [[text.get_text().replace("\n", "") for text in axes.texts] for axes in figure.axes]
    where = {text: axes.get_position().y1 for texts, axes in zip(below, figure.axes, strict=True) for text in texts}
    assert [where[name] for name in names] == sorted((where[name] for name in names), reverse=True)
    assert {round(where[name], 6) for name in names} == set(tops[::prompts])  # over the first prompt of each band


def test_no_text_of_a_figure_is_smaller_than_eight_points() -> None:
    for figure in (explanation(list("abc")).figure(), comparison_figure([explanation(list("ab"))] * 7)):
        figure.canvas.draw()
        assert all(text.get_fontsize() >= SMALLEST for text in figure.findobj(Text) if text.get_text())
    assert SMALLEST == 8


def test_no_file_asks_for_a_smaller_text() -> None:
    """Reports, answers and words draw figures of their own: every size in the package is the constant, or larger."""
    sizes = [
        keyword.value
        for path in Path(whylight.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg in ("fontsize", "labelsize")
    ]
    assert len(sizes) > 15
    assert min(size.value for size in sizes if isinstance(size, ast.Constant)) >= SMALLEST
    assert {size.id for size in sizes if not isinstance(size, ast.Constant)} <= {"SMALLEST", "SIZE", "size"}


@pytest.mark.parametrize("size", [(400, 20), (20, 400), (1, 1), (900, 700)])
def test_cells_keep_the_pictures_shape_within_reason(size: tuple[int, int]) -> None:
    figure = explanation(["a", "b"], size).figure()
    box = figure.axes[0].get_position()
    width, height = figure.get_size_inches()
    shape = (box.width * width) / (box.height * height)
    assert shape == pytest.approx(min(3, max(1 / 3, size[0] / size[1])))
    assert max(width, height) < 20


@pytest.mark.parametrize("name", ["$x_1$ costs 5$", "a [red] star", "word " * 60, "x" * 200, "naïve café ⭐ 星"])
def test_any_words_can_be_prompts(name: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        assert len(png(explanation([name]).figure())) > 5000
        assert len(png(comparison_figure([explanation([name])]))) > 5000


def test_no_cell_leaves_the_figure_or_covers_another() -> None:
    for figure in (explanation(list("abcdef")).figure(), comparison_figure([explanation(list("abc"))] * 5)):
        boxes = [axes.get_position() for axes in figure.axes]
        assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= 1 and b.y1 <= 1 for b in boxes)
        for index, one in enumerate(boxes):
            assert not any(one.overlaps(other) for other in boxes[index + 1 :])


def test_what_the_model_saw_is_framed_unless_it_is_all() -> None:
    whole = explanation(["a"])
    cropped = dataclasses.replace(whole, frame=Frame((40, 60), (10, 0, 50, 40)))
    assert not whole.figure().axes[0].patches
    frame = cropped.figure().axes[0].patches[0].get_bbox()
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (9.5, 49.5, -0.5, 39.5)
    assert comparison_figure([cropped]).axes[0].patches


def test_large_pictures_are_drawn_small_with_their_maps_in_place() -> None:
    large = dataclasses.replace(explanation(["a"], (3000, 2000)), frame=Frame((2000, 3000), (1000, 0, 3000, 2000)))
    figure = large.figure()
    picture, overlay = [image for image in pictures_in(figure) if image.ndim == 3]
    assert picture.shape == overlay.shape == (576, 864, 3)
    assert any(text.startswith("3000 x 2000") for text in words_in(figure))
    whole = np.asarray(large.overlay().resize((864, 576))).astype(int)
    assert np.abs(whole - overlay).mean() < 1
    assert figure.axes[0].patches[0].get_bbox().x0 == pytest.approx(1000 * 864 / 3000 - 0.5)
