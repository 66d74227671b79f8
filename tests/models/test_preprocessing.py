"""Pixels as the model libraries make them, and maps put back where they belong."""

from __future__ import annotations

import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import set_model_preprocess_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from timm.data import create_transform, resolve_model_data_config
from torch import Tensor
from zoo.openclip_models import clip

import whylight
from whylight.models.preprocessing import Fit, Frame, Preprocessing, place_in_picture

PICTURES = [(40, 40), (61, 47), (47, 61), (200, 33), (9, 15), (32, 32)]  # width, height


def noise(width: int, height: int) -> Image.Image:
    values = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Image.fromarray(values.numpy())


@pytest.mark.parametrize("size", PICTURES, ids=str)
@pytest.mark.parametrize("image_size", [32, (24, 40)], ids=str)
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
def test_pixels_are_openclips(
    size: tuple[int, int], image_size: int | tuple[int, int], interpolation: str, resize_mode: str
) -> None:
    model, _ = clip(image_size=image_size)()
    config = {
        "size": image_size,
        "mean": (0.1, 0.2, 0.3),
        "std": (0.4, 0.5, 0.6),
        "interpolation": interpolation,
        "resize_mode": resize_mode,
        "fill_color": 7,
    }
    set_model_preprocess_cfg(model, config)
    own = image_transform_v2(PreprocessCfg(**config), is_train=False)(noise(*size))
    preprocessing = whylight.wrap(model).preprocessing
    assert preprocessing is not None
    assert torch.equal(preprocessing(noise(*size))[0], own)


@pytest.mark.parametrize("size", PICTURES, ids=str)
@pytest.mark.parametrize("img_size", [32, (24, 40)], ids=str)
@pytest.mark.parametrize("crop_pct", [0.875, 0.9, 1.0])
@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
def test_pixels_are_timms(
    size: tuple[int, int], img_size: int | tuple[int, int], crop_pct: float, crop_mode: str
) -> None:
    shape = (3, img_size, img_size) if isinstance(img_size, int) else (3, *img_size)
    overlay = {"crop_pct": crop_pct, "crop_mode": crop_mode, "input_size": shape, "interpolation": "bilinear"}
    model = timm.create_model(
        "vit_tiny_patch16_224", img_size=img_size, patch_size=8, depth=1, pretrained_cfg_overlay=overlay
    )
    own = create_transform(**resolve_model_data_config(model))(noise(*size))
    preprocessing = whylight.wrap(model.eval()).preprocessing
    assert preprocessing is not None
    assert torch.equal(preprocessing(noise(*size))[0], own)


def test_size_is_the_models_own_not_its_pretrained_one() -> None:
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=1)
    preprocessing = whylight.wrap(model).preprocessing
    assert preprocessing is not None
    assert preprocessing.size == (64, 64)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_pictures_of_other_modes(mode: str) -> None:
    preprocessing = Preprocessing((16, 16), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert preprocessing(noise(20, 20).convert(mode))[0].shape == (3, 16, 16)


GEOMETRY = [
    ("crop", (32, 32), 1.0, (1, 1)),
    ("crop", (32, 32), 0.8, (1, 1)),
    ("crop", (24, 40), 0.9, (1, 1)),
    ("squash", (32, 32), 1.0, (1, 1)),
    ("squash", (24, 40), 0.9, (1, 1)),
    ("pad", (32, 32), 1.0, (1, 1)),
    ("pad", (24, 40), 0.9, (1, 1)),
    ("crop", (36, 36), 1.0, (8, 8)),  # the patches leave four pixels over
    ("squash", (36, 36), 1.0, (8, 8)),
]


@pytest.mark.parametrize("patch_factor", [1, 4])
@pytest.mark.parametrize(("fit", "size", "fraction", "patch"), GEOMETRY)
@pytest.mark.parametrize("shape", [(150, 100), (100, 150), (120, 120), (31, 45)], ids=str)
def test_a_map_lands_where_its_square_was(
    shape: tuple[int, int], fit: Fit, size: tuple[int, int], fraction: float, patch: tuple[int, int], patch_factor: int
) -> None:
    """A bright square off the centre: what the model sees of it, as a map, comes back to the same place."""
    height, width = shape
    preprocessing = Preprocessing(size, (0, 0, 0), (1, 1, 1), "bilinear", fit, fraction, patch=patch)
    top, left, side = round(0.42 * height), round(0.53 * width), round(0.2 * min(shape))
    truth = torch.zeros(height, width)
    truth[top : top + side, left : left + side] = 1
    picture = Image.fromarray((truth * 255).byte().numpy()).convert("RGB")

    pixels, frame = preprocessing(picture)
    seen = pixels[:1, : size[0] - size[0] % patch[0], : size[1] - size[1] % patch[1]]
    grid = (seen.shape[1] // patch_factor, seen.shape[2] // patch_factor)
    maps = F.adaptive_avg_pool2d(seen, grid)
    back = place_in_picture(maps, frame)

    assert back.shape == (1, height, width)
    cell = max((frame.box[2] - frame.box[0]) / grid[1], (frame.box[3] - frame.box[1]) / grid[0])
    expected, found = center(truth), center(back[0])
    assert (expected - found).abs().max() < 0.08 * cell + 0.05, (expected, found, cell)


def center(values: Tensor) -> Tensor:
    """Centre of mass (y, x), in pixels."""
    y, x = torch.arange(values.shape[0]) + 0.5, torch.arange(values.shape[1]) + 0.5
    return torch.stack([(values.sum(1) * y).sum(), (values.sum(0) * x).sum()]) / values.sum()


def test_outside_the_frame_is_zero_and_inside_is_not() -> None:
    back = place_in_picture(torch.ones(2, 4, 4), Frame((10, 20), (5.0, 0.0, 15.0, 10.0)))
    assert back.shape == (2, 10, 20)
    assert (back[:, :, 5:15] == 1).all()
    assert back.sum() == 2 * 100


def test_a_padded_frame_reaches_over_the_picture() -> None:
    pixels, frame = Preprocessing((20, 20), (0, 0, 0), (1, 1, 1), fit="pad", fill=(255, 0, 0))(noise(20, 10))
    assert frame.box == (0, -5, 20, 15)
    assert (pixels[0, :5] == 1).all()
    assert (pixels[1:, :5] == 0).all()
    rows = torch.arange(20.0).reshape(1, 20, 1).expand(1, 20, 20)
    assert torch.equal(place_in_picture(rows, frame), rows[:, 5:15])


def test_a_frame_of_the_pictures_own_shape_is_plain_interpolation() -> None:
    maps = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    back = place_in_picture(maps, Frame((50, 63), (0.0, 0.0, 63.0, 50.0)))
    torch.testing.assert_close(back, F.interpolate(maps[:, None], (50, 63), mode="bilinear")[:, 0], atol=1e-5, rtol=0)
