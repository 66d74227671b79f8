"""Preprocessing of transformers models: their own image processor, or what their family usually wants."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from torch import Tensor

from whylight.errors import BadInput
from whylight.models.preprocessing import Fit, Frame, Preprocessing
from whylight.models.raster import Raster
from whylight.models.transformers.grid import cell_of, pair

CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

# DeiT's and DINOv2's published processors resize to 256 and crop 224.
_FAMILIES: dict[str, tuple[Any, str, Fit, float]] = {
    "clip": (CLIP, "bicubic", "crop", 1.0),
    "clipseg": (IMAGENET, "bilinear", "squash", 1.0),
    "owl": (CLIP, "bicubic", "squash", 1.0),
    "swin": (IMAGENET, "bicubic", "squash", 1.0),
    "metaclip": (CLIP, "bicubic", "crop", 1.0),
    "siglip": (HALF, "bicubic", "squash", 1.0),
    "vit": (HALF, "bilinear", "squash", 1.0),
    "deit": (IMAGENET, "bicubic", "squash", 224 / 256),
    "dinov2": (IMAGENET, "bicubic", "crop", 224 / 256),
    "dinov3": (IMAGENET, "bilinear", "squash", 1.0),
}
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


@dataclass(frozen=True)
class ImageProcessorPreprocessing(Preprocessing):
    """An image processor of transformers, run as it is at its own size.

    Attributes:
        processor: the image processor.
        before_crop: (height, width) that pictures are resized to before the crop, or one number for the shorter side.
    """

    processor: Any = field(default=None, compare=False, repr=False)
    before_crop: int | tuple[int, int] = 224

    def resized(self, size: tuple[int, int], fit: Fit | None = None) -> Preprocessing:
        fit = fit or self.fit
        return Preprocessing(size, self.mean, self.std, self.interpolation, fit, self.crop_fraction)

    def __call__(self, picture: Image.Image | Raster) -> tuple[Tensor, Frame]:
        if isinstance(picture, Raster):
            return super().__call__(picture)
        picture = picture.convert("RGB")
        pixels = self.processor(images=picture, return_tensors="pt")["pixel_values"][0]
        height, width = self._resized(picture)
        rows, columns = self.size
        top, left = _corner(height, rows), _corner(width, columns)
        bottom, right = top + rows - rows % self.patch[0], left + columns - columns % self.patch[1]
        down, across = picture.height / height, picture.width / width
        return pixels, Frame(
            (picture.height, picture.width), (left * across, top * down, right * across, bottom * down)
        )

    def _resized(self, picture: Image.Image) -> tuple[int, int]:
        """(height, width) of the picture before the crop."""
        if not isinstance(self.before_crop, int):
            return self.before_crop
        short, long = sorted((picture.height, picture.width))
        longer = int(self.before_crop * long / short)
        return (self.before_crop, longer) if picture.height <= picture.width else (longer, self.before_crop)


def _corner(side: int, wanted: int) -> int:
    """Where the crop begins, as the processors round it; negative where they pad."""
    return (side - wanted) // 2 if side >= wanted else -((wanted - side) // 2)


def from_image_processor(processor: Any, config: Any) -> Preprocessing:
    """The preprocessing of an image processor, for a model of this configuration.

    A processor that resizes the shorter side and crops nothing gives each picture a size of its own; a model has one,
    so a crop in the middle is added.
    """
    scale = _scale(processor)
    size: dict[str, int] = {key: value for key, value in dict(processor.size).items() if value is not None}
    shorter = size.get("shortest_edge")
    before = (shorter, shorter) if shorter else (size["height"], size["width"])
    crop = dict(processor.crop_size) if getattr(processor, "do_center_crop", False) else {}
    shown = (crop["height"], crop["width"]) if crop else before
    std = processor.image_std if processor.do_normalize else (1.0, 1.0, 1.0)
    common: dict[str, Any] = {
        "size": shown,
        "mean": tuple(m / scale for m in processor.image_mean) if processor.do_normalize else (0.0, 0.0, 0.0),
        "std": tuple(s / scale for s in std),
        "interpolation": FILTERS[int(processor.resample)],
        "fit": "crop" if shorter else "squash",
        "crop_fraction": shown[0] / before[0],
        "patch": cell_of(vision_config(config)),
        "channels": getattr(vision_config(config), "num_channels", 3),
    }
    if (shorter and not crop) or common["channels"] != 3:
        return Preprocessing(**common)
    return ImageProcessorPreprocessing(**common, processor=processor, before_crop=shorter or before)


def _scale(processor: Any) -> float:
    """What pixels in [0, 1] are multiplied with before they are normalised: 1 but where a processor rescales otherwise.

    Raises:
        BadInput: a switch that is no truth value, or a factor that is no positive number.
    """
    for name in ("do_resize", "do_rescale", "do_normalize", "do_center_crop"):
        if not isinstance(said := getattr(processor, name, None), (bool, type(None))):
            raise BadInput(f"its image processor has {name}={said!r}, which must be true or false")
    if not getattr(processor, "do_rescale", True):
        return 255.0
    factor = getattr(processor, "rescale_factor", 1 / 255)
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < math.inf:
        raise BadInput(f"its image processor has rescale_factor={factor!r}, which must be a positive number")
    # The usual factor, also where it was written with fewer digits, is no factor at all.
    return 1.0 if math.isclose(255 * factor, 1, rel_tol=1e-6) else 255 * factor


def usual_preprocessing(config: Any) -> Preprocessing:
    """What models of this configuration's family were trained with, at the configuration's picture size."""
    family = next(name for name in sorted(_FAMILIES, key=len, reverse=True) if config.model_type.startswith(name))
    (mean, std), interpolation, fit, fraction = _FAMILIES[family]
    height, width = pair(vision_config(config).image_size)
    if family == "dinov2":
        # Its positions were learned at 518 px, its published processor shows 224.
        height, width = min(height, 224), min(width, 224)
    patch, channels = cell_of(vision_config(config)), getattr(vision_config(config), "num_channels", 3)
    return Preprocessing((height, width), mean, std, interpolation, fit, fraction, patch=patch, channels=channels)


def vision_config(config: Any) -> Any:
    """The part of a configuration that is about pictures."""
    return getattr(config, "vision_config", config)
