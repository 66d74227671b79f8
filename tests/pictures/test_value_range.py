"""Deep greys, floats and arrays of many channels: as the same values in [0, 1] come out, or refused; never black."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image

import whylight
from whylight.errors import BadInput
from whylight.models.view import View
from whylight.pictures.look import look
from whylight.pictures.read_raster import read_raster

RAMP = np.linspace(0, 1, 32 * 48).reshape(32, 48)
MEAN, STD = [0.2, 0.3, 0.4, 0.5], [0.5, 0.6, 0.7, 0.8]


def model(channels: int) -> Any:
    torch.manual_seed(0)
    size = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 4}
    return timm.models.VisionTransformer(in_chans=channels, **size).eval()


@pytest.fixture(scope="module")
def rgb() -> View:
    return whylight.wrap(model(3))


FORMS: dict[str, tuple[np.ndarray, tuple[float, float]]] = {
    "12 bits": ((RAMP * 4095).round().astype(np.uint16), (0, 4095)),
    "16 bits": ((RAMP * 65535).round().astype(np.uint16), (0, 65535)),
    "32 bits": ((RAMP * 100000).round().astype(np.int32), (0, 100000)),
    "Hounsfield": ((RAMP * 4000 - 1000).astype(np.float32), (-1000, 3000)),
    "reflectance": ((RAMP * 1.7 - 0.2).astype(np.float32), (-0.2, 1.5)),
    "negative film": ((1 - RAMP).astype(np.float32) * 500, (500, 0)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["array", "tensor", "PIL", "TIFF", "PNG"])
def test_every_form_is_the_same_picture(rgb: View, tmp_path: Path, form: str, way: str) -> None:
    values, value_range = FORMS[form]
    source: Any = values
    if way == "tensor":
        source = torch.from_numpy(values.astype(np.int64) if values.dtype == np.uint16 else values)[None]
    elif way != "array":
        source = Image.fromarray(values)
        if way == "PNG" and values.dtype != np.uint16:
            pytest.skip("PNG holds 16 bits")
        if way != "PIL":
            source.save(tmp_path / f"a.{way.lower()}")
            source = tmp_path / f"a.{way.lower()}"
    raster = read_raster(source, 1, value_range)
    np.testing.assert_allclose(raster.values[0], RAMP, atol=2e-4)
    shown = np.asarray(whylight.explain(rgb, source, 0, value_range=value_range).picture)
    np.testing.assert_allclose(shown[..., 1], RAMP * 255, atol=0.6)


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_those_of_the_picture_of_eight_bits_but_for_its_rounding(fit: Any, channels: int) -> None:
    view = whylight.wrap(model(channels))
    eight = (RAMP * 255).round().astype(np.uint8)
    plain = look(view, Image.fromarray(eight), fit=fit)
    deep = look(view, (eight.astype(np.float64) * 10).astype(np.float32), fit=fit, value_range=(0, 2550))
    assert deep.frame == plain.frame
    assert deep.pixels.shape == plain.pixels.shape == (1, channels, 32, 32)
    assert (deep.pixels - plain.pixels).abs().max() < 1.5 / 255 / min(view.preprocessing.std)  # type: ignore[union-attr]


def test_bits_below_the_eighth_reach_the_model() -> None:
    view = whylight.wrap(model(1))
    dark = (RAMP * 200).round().astype(np.uint16)  # of 65535: less than one step of 8 bits
    pixels = look(view, dark, fit="squash", value_range=(0, 65535)).pixels
    assert pixels.std() > 0
    assert len(pixels.unique()) > 50
    assert whylight.explain(view, dark, 0, value_range=(0, 200)).relevance.std() > 0


def test_many_channels_have_means_of_their_own() -> None:
    net = model(4)
    values = np.random.default_rng(0).integers(0, 10001, (32, 32, 4)).astype(np.uint16)
    view = whylight.wrap(net, mean=MEAN, std=STD)
    view.preprocessing = __import__("dataclasses").replace(view.preprocessing, crop_fraction=1.0)
    expected = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1) / 10000 - torch.tensor(MEAN)[:, None, None]
    expected = (expected / torch.tensor(STD)[:, None, None])[None]
    expected = torch.minimum(expected, ((1 - torch.tensor(MEAN)) / torch.tensor(STD))[None, :, None, None])
    torch.testing.assert_close(look(view, values, value_range=(0, 10000)).pixels, expected)
    result = whylight.explain(view, values, [0, 2], value_range=(0, 10000))
    torch.testing.assert_close(result.relevance.flatten(1), whylight.relevance(view, expected, [0, 2])[0])
    grey = np.clip(values.astype(np.float64) / 10000, 0, 1).mean(2)
    np.testing.assert_allclose(np.asarray(result.picture)[..., 0], grey * 255, atol=0.6)
    assert result.save  # a figure of it can be drawn
    assert result.figure() is not None
    tensor = torch.from_numpy(values.astype(np.int32)).permute(2, 0, 1)
    torch.testing.assert_close(
        whylight.explain(view, tensor, [0, 2], value_range=(0, 10000)).relevance, result.relevance
    )
    session = view.record(values, value_range=(0, 10000)).explain([0, 2])
    torch.testing.assert_close(session.relevance, result.relevance, rtol=1e-4, atol=1e-6)
    in_unit = whylight.explain(view, np.clip(values / 10000, 0, 1), [0, 2])  # floats in [0, 1] need no range
    torch.testing.assert_close(in_unit.relevance, result.relevance, rtol=1e-4, atol=1e-6)


def test_sessions_of_other_ranges_are_others(rgb: View) -> None:
    sessions = whylight.Sessions(rgb, 2**24)
    values = (RAMP * 4095).astype(np.uint16)
    first = sessions.record(values, value_range=(0, 4095))
    assert sessions.record(values, value_range=(0, 4095)) is first
    assert sessions.record(values, value_range=(0, 8191)) is not first


@pytest.mark.parametrize(
    ("channels", "picture", "options", "said"),
    [
        (3, (RAMP * 4000 - 1000).astype(np.float32), {}, "picture array is"),
        (3, Image.fromarray((RAMP * 4000 - 1000).astype(np.float32)), {}, r"--value-range BLACK WHITE"),
        (3, Image.fromarray((RAMP * 4095).astype(np.uint16)), {}, r"value_range=\(black, white\)"),
        (3, np.stack([RAMP * 300] * 3, -1), {}, r"give value_range"),
        (1, (RAMP * 4095).astype(np.uint16), {}, r"do not say what is black.*value_range"),
        (4, np.zeros((32, 32, 4), np.int16), {}, r"value_range"),
        (4, np.zeros((32, 32, 3)), {"value_range": (0, 1)}, r"reads 4 channels, and the picture has 3"),
        (3, RAMP, {"value_range": (1, 1)}, "two different numbers"),
        (3, RAMP, {"value_range": (0, float("nan"))}, "two different numbers"),
        (3, RAMP, {"value_range": 4095}, r"value_range=4095 must be"),
        (3, np.full((32, 32), np.nan), {"value_range": (0, 1)}, "no numbers"),
        (3, np.zeros((32, 32), complex), {"value_range": (0, 1)}, "real numbers"),
        (3, np.zeros((2, 3, 32, 32)), {"value_range": (0, 1)}, "real numbers"),
    ],
)
def test_what_cannot_be_known_is_refused_with_the_way_out(channels: int, picture: Any, options: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        whylight.explain(whylight.wrap(model(channels)), picture, 0, **options)
    assert "\n" not in str(error.value)


def test_means_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(BadInput, match="means of 3"):
        whylight.explain(whylight.wrap(model(4)), np.zeros((32, 32, 4)), 0)
    with pytest.raises(BadInput, match="reads 4 channels, and the mean is of 3"):
        whylight.wrap(model(4), mean=[0, 0, 0], std=[1, 1, 1])
    with pytest.raises(BadInput, match="go together"):
        whylight.wrap(model(4), mean=[0, 0, 0, 0])
