"""Pictures become the pixels that the model's own image processor makes of them, and the frame says of what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from zoo.transformers_models import PICTURES, clip_config

import whylight
from whylight.models.preprocessing import Preprocessing
from whylight.models.transformers import wrap_transformers
from whylight.models.transformers.answering.releases import OLD
from whylight.models.transformers.preprocessing import from_image_processor, usual_preprocessing
from whylight.pictures.look import resized_for

SIZES = [(60, 40), (41, 67), (32, 32), (97, 50)]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
DINOV3 = "DINOv3ViTImageProcessorFast" if OLD else "DINOv3ViTImageProcessor"
PROCESSORS: dict[str, Any] = {
    "clip": lambda: transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    "siglip": lambda: transformers.SiglipImageProcessor(size={"height": 32, "width": 32}),
    "vit": lambda: transformers.ViTImageProcessor(size={"height": 32, "width": 32}),
    "deit": lambda: transformers.DeiTImageProcessor(
        size={"height": 36, "width": 36}, crop_size={"height": 32, "width": 32}, **IMAGENET
    ),
    "dinov2": lambda: transformers.BitImageProcessor(
        size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}, **IMAGENET
    ),
    "dinov3": lambda: getattr(transformers, DINOV3)(size={"height": 32, "width": 32}),
}


def picture(width: int, height: int) -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def preprocessing(name: str) -> tuple[Preprocessing, Any]:
    processor = PROCESSORS[name]()
    module, _ = PICTURES[name]()
    view = wrap_transformers(module, image_processor=processor)
    assert view is not None
    assert view.preprocessing is not None
    return view.preprocessing, processor


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_are_the_image_processors(name: str, size: tuple[int, int]) -> None:
    prepare, processor = preprocessing(name)
    pixels, frame = prepare(picture(*size))
    expected = processor(images=picture(*size), return_tensors="pt")["pixel_values"][0]
    assert torch.equal(pixels, expected)
    assert pixels.shape[-2:] == prepare.size
    assert frame.picture == size[::-1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PROCESSORS)
def test_a_bare_module_gets_what_its_family_usually_has(name: str, size: tuple[int, int]) -> None:
    """Within two of 255 grey levels: Pillow and torchvision round after each of the two directions they resize in."""
    module, _ = PICTURES[name]()
    usual, processor = usual_preprocessing(module.config).resized((32, 32)), PROCESSORS[name]()
    pixels, _ = usual(picture(*size))
    expected = processor(images=picture(*size), return_tensors="pt")["pixel_values"][0]
    levels = ((pixels - expected).abs() * torch.tensor(usual.std)[:, None, None] * 255).max()
    assert levels < 2.5


@pytest.mark.parametrize(
    "more",
    [{"do_rescale": False}, {"rescale_factor": 1 / 127.5}, {"rescale_factor": 0.5, "do_normalize": False}, {}],
    ids=str,
)
def test_whatever_pixels_are_multiplied_with(more: dict[str, Any]) -> None:
    processor = transformers.ViTImageProcessor(size={"height": 32, "width": 32}, **more)
    prepare = from_image_processor(processor, PICTURES["vit"]()[0].config)
    pixels, _ = prepare.resized((32, 32))(picture(60, 40))
    expected = processor(images=picture(60, 40), return_tensors="pt")["pixel_values"][0]
    assert (pixels - expected).abs().max() < 3 / 255 / prepare.std[0]
    assert float(expected.std() / pixels.std()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_frame_is_where_the_pixels_come_from(name: str) -> None:
    """A ramp over the picture: the first and last column of pixels show the ends of the frame."""
    prepare, _ = preprocessing(name)
    width, height = 120, 80
    ramp = np.broadcast_to(np.linspace(0, 255, width, dtype=np.float32)[None, :, None], (height, width, 3))
    pixels, frame = prepare(Image.fromarray(ramp.astype(np.uint8)))
    values = pixels[0] * prepare.std[0] + prepare.mean[0]
    columns = values.mean(0) * (width - 1) + 0.5
    left, _, right, _ = frame.box
    step = (right - left) / prepare.size[1]
    expected = left + step * (torch.arange(prepare.size[1]) + 0.5)
    assert (columns - expected)[4:-4].abs().max() < 1.0
    assert (right - left) / (frame.box[3] - frame.box[1]) == pytest.approx(
        1.0 if prepare.fit == "crop" else 1.5, rel=0.02
    )


def test_another_size_leaves_the_processor() -> None:
    prepare, _ = preprocessing("clip")
    assert type(prepare.resized((48, 64), "squash")) is Preprocessing
    assert prepare.resized((48, 64), "squash")(picture(60, 40))[0].shape == (3, 48, 64)


def test_a_processor_without_a_crop_gets_one() -> None:
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, do_center_crop=False)
    assert from_image_processor(processor, clip_config())(picture(60, 40))[0].shape == (3, 32, 32)


@pytest.mark.parametrize("size", SIZES)
def test_a_naflex_picture_keeps_its_shape(size: tuple[int, int]) -> None:
    """Its own processor's patches, put together again, and read as the model itself reads what the processor gives."""
    processor = transformers.Siglip2ImageProcessor(patch_size=8, max_num_patches=16)
    module, _ = PICTURES["siglip2"]()
    view = wrap_transformers(module, image_processor=processor)
    assert view is not None
    assert view.preprocessing is not None
    pixels, frame = view.preprocessing(picture(*size))
    given = processor(images=picture(*size), return_tensors="pt")
    rows, columns = given["spatial_shapes"][0].tolist()
    assert pixels.shape == (3, 8 * rows, 8 * columns)
    assert rows * columns <= 16
    assert frame.box == (0.0, 0.0, *size)
    with torch.no_grad():
        own = module.get_image_features(**given)
        own = own if isinstance(own, torch.Tensor) else own.pooler_output
        assert (view.output(pixels[None].double()) - own).abs().max() < 1e-10
    explanation = whylight.explain(view, picture(*size), torch.ones(1, 24))
    assert explanation.relevance.shape == (1, rows, columns)
    assert explanation.overlay(0).size == size
    square = whylight.explain(view, picture(*size), torch.ones(1, 24), size=(32, 32))
    assert square.relevance.shape == (1, 4, 4)
    assert whylight.record(view, picture(*size)).explain(torch.ones(1, 24)).relevance.shape == (1, rows, columns)


def test_a_bare_naflex_model_gets_the_usual_processor() -> None:
    view = wrap_transformers(PICTURES["siglip2"]()[0])
    assert view is not None
    assert view.preprocessing is not None
    assert view.preprocessing.size == (32, 32)
    assert view.preprocessing(picture(60, 40))[0].shape == (3, 24, 40)


def test_a_picture_is_read_by_its_own_processor() -> None:
    """Also by explain, where no other size is asked for: what the processor does is not done over again."""
    prepare, processor = preprocessing("vit")
    seen = resized_for(prepare, picture(60, 40), None, None)(picture(60, 40))[0]
    assert torch.equal(seen, processor(images=picture(60, 40), return_tensors="pt")["pixel_values"][0])
