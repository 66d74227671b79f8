"""Maps lie where they belong in the picture, whatever was done to it on its way into the model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from small_views import PATCH, brightness, classifier

import whylight
from whylight.models.preprocessing import Frame
from whylight.models.view import View
from whylight.pictures.explanation import Explanation


@pytest.fixture(scope="module")
def view() -> View:
    return classifier()


@pytest.fixture(autouse=True)
def _methods() -> Iterator[None]:
    with brightness():
        yield


def spotted(width: int, height: int, x: int, y: int, side: int = 24) -> Image.Image:
    """A black picture with a white square about (x, y)."""
    picture = Image.new("RGB", (width, height))
    picture.paste((255, 255, 255), (x - side // 2, y - side // 2, x + side // 2, y + side // 2))
    return picture


def center(heat: torch.Tensor) -> tuple[float, float]:
    """(x, y), the centre of mass of a map, pixels having their centres at halves."""
    rows, columns = torch.arange(heat.shape[0]) + 0.5, torch.arange(heat.shape[1]) + 0.5
    return float((heat.sum(0) * columns).sum() / heat.sum()), float((heat.sum(1) * rows).sum() / heat.sum())


SHAPES = [(200, 120), (120, 200), (160, 160)]
SIZES = [
    {"fit": "crop"},
    {"fit": "squash"},
    {"fit": "pad"},
    {"size": 64},
    {"size": 64, "fit": "crop"},
    {"size": (64, 96), "fit": "squash"},
    {"size": (48, 96), "fit": "pad"},
    {"size": (70, 101), "fit": "squash"},
]


@pytest.mark.parametrize("method", ["brightness", "pixel_brightness"])
@pytest.mark.parametrize("how", SIZES, ids=str)
@pytest.mark.parametrize(("width", "height"), SHAPES)
def test_a_bright_spot_is_found_where_it_is(view: View, width: int, height: int, how: dict, method: str) -> None:
    for x, y in [(width // 2, height // 2), (width // 2 - 20, height // 2 + 15), (width // 2 + 25, height // 2 - 20)]:
        result = whylight.explain(view, spotted(width, height, x, y), 0, method, **how)
        assert result.maps.shape == (1, height, width)
        assert result.maps.dtype == torch.float32
        assert (float(result.maps.min()), float(result.maps.max())) == (0.0, 1.0)
        left, top, right, bottom = result.frame.box
        patch_x = (right - left) / (result.input_size[1] / PATCH)
        patch_y = (bottom - top) / (result.input_size[0] / PATCH)
        found = center(result.maps[0])
        assert abs(found[0] - x) < (0.3 * patch_x if method == "brightness" else 1.0)
        assert abs(found[1] - y) < (0.3 * patch_y if method == "brightness" else 1.0)


def test_what_a_crop_leaves_out_is_zero_and_a_spot_there_unseen(view: View) -> None:
    with pytest.warns(UserWarning, match="constant"):
        unseen = whylight.explain(view, spotted(300, 100, 20, 50), 0, "brightness", fit="crop")
    assert not unseen.maps.any()
    result = whylight.explain(view, spotted(300, 100, 150, 50), 0, "brightness", fit="crop")
    left, _, right, _ = result.frame.box
    assert not result.maps[..., : int(left)].any()
    assert not result.maps[..., int(np.ceil(right)) :].any()
    assert result.maps[..., 150].max() > 0.9


def test_negative_relevance_is_scaled_by_what_is_in_view_alone() -> None:
    relevance = torch.tensor([[[-4.0, -2.0], [-3.0, -2.0]]])
    explanation = Explanation(
        relevance, ("x",), (0.0,), (0.0,), "cosine", Image.new("RGB", (40, 20)), Frame((20, 40), (10, 0, 30, 20)),
        "m", "legrad",
    )  # fmt: skip
    maps = explanation.maps[0]
    assert not maps[:, :10].any()
    assert not maps[:, 30:].any()
    assert maps[0, 10] == 0
    assert maps[0, 29] == 1


def test_an_uncropped_map_is_the_published_bilinear_one() -> None:
    relevance = torch.rand(2, 7, 7, generator=torch.Generator().manual_seed(0))
    explanation = Explanation(
        relevance, ("a", "b"), (0.0,) * 2, (0.0,) * 2, "cosine", Image.new("RGB", (224, 224)),
        Frame((224, 224), (0, 0, 224, 224)), "m", "legrad",
    )  # fmt: skip
    expected = F.interpolate(relevance[:, None], (224, 224), mode="bilinear")[:, 0]
    low, high = expected.amin((1, 2), keepdim=True), expected.amax((1, 2), keepdim=True)
    torch.testing.assert_close(explanation.maps, (expected - low) / (high - low), atol=1e-5, rtol=0)


def test_an_int_shows_the_whole_picture_in_its_own_shape(view: View) -> None:
    result = whylight.explain(view, spotted(200, 100, 100, 50), 0, size=64)
    assert result.input_size == (64, 128)
    assert result.grid == (8, 16)
    assert result.frame.box == (0, 0, 200, 100)


def test_what_the_patches_leave_over_belongs_nowhere() -> None:
    result = whylight.explain(classifier(36), spotted(72, 72, 36, 36), 0, "pixel_brightness", fit="squash")
    assert result.input_size == (36, 36)
    assert result.grid == (32, 32)
    assert result.frame.box == (0, 0, 64, 64)
    assert whylight.explain(classifier(36), spotted(72, 72, 36, 36), 0, "brightness").grid == (4, 4)
