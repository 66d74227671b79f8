"""Preprocessing of SigLIP 2's NaFlex models: each picture keeps its shape, and has a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from torch import Tensor

from whylight.models.preprocessing import Fit, Frame, Preprocessing
from whylight.models.raster import Raster
from whylight.models.transformers.grid import pair
from whylight.models.transformers.preprocessing import FILTERS, vision_config


@dataclass(frozen=True)
class NaFlexPreprocessing(Preprocessing):
    """A NaFlex image processor, run as it is: as many patches as it allows, in the picture's own shape.

    ``size`` is that of a square picture.

    Attributes:
        processor: the image processor.
    """

    processor: Any = field(default=None, compare=False, repr=False)

    def resized(self, size: tuple[int, int], fit: Fit | None = None) -> Preprocessing:
        return Preprocessing(size, self.mean, self.std, self.interpolation, fit or self.fit)

    def __call__(self, picture: Image.Image | Raster) -> tuple[Tensor, Frame]:
        if isinstance(picture, Raster):
            return super().__call__(picture)
        picture = picture.convert("RGB")
        given = self.processor(images=picture, return_tensors="pt")
        rows, columns = given["spatial_shapes"][0].tolist()
        patches: Tensor = given["pixel_values"][0, : rows * columns]
        cells = patches.reshape(rows, columns, *self.patch, 3).permute(4, 0, 2, 1, 3)
        pixels = cells.reshape(3, rows * self.patch[0], columns * self.patch[1])
        return pixels, Frame((picture.height, picture.width), (0.0, 0.0, picture.width, picture.height))


def naflex_preprocessing(processor: Any, config: Any) -> NaFlexPreprocessing:
    """The preprocessing of a NaFlex image processor, or of the usual one for a model of this configuration."""
    vision = vision_config(config)
    if processor is None:
        from transformers import Siglip2ImageProcessor

        processor = Siglip2ImageProcessor(patch_size=vision.patch_size, max_num_patches=vision.num_patches)
    patch = pair(vision.patch_size)
    side = int(processor.max_num_patches**0.5) * patch[0]
    return NaFlexPreprocessing(
        size=(side, side),
        mean=tuple(processor.image_mean),
        std=tuple(processor.image_std),
        interpolation=FILTERS[int(processor.resample)],
        fit="squash",
        patch=patch,
        processor=processor,
    )
