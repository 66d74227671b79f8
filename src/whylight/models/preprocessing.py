"""From a picture to pixels, and back: where in the picture each map belongs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
import torch.nn.functional as F
import torchvision.transforms.functional as vision
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

from whylight.errors import BadInput
from whylight.models.raster import Raster

Fit = Literal["crop", "squash", "pad"]
_LONGEST = 2**16
_FILTERS = {mode.value for mode in InterpolationMode}


@dataclass(frozen=True)
class Frame:
    """Which part of a picture the model saw.

    Attributes:
        picture: (height, width) of the picture in pixels.
        box: (left, top, right, bottom) of what the model's patches cover, in picture pixels; outside the picture where
            padded.
    """

    picture: tuple[int, int]
    box: tuple[float, float, float, float]

    def scaled(self, height: int, width: int) -> Frame:
        """The same part of the picture at another size."""
        left, top, right, bottom = self.box
        down, across = height / self.picture[0], width / self.picture[1]
        return Frame((height, width), (left * across, top * down, right * across, bottom * down))


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its pictures: resized, then cropped or padded about the centre.

    Attributes:
        size: (height, width) of the input in pixels.
        mean, std: of the three channels, or of as many as there are, for pixels in [0, 1].
        interpolation: "bicubic", "bilinear", "nearest", "lanczos", "box" or "hamming".
        fit: what keeps the picture's shape: "crop" (the shorter side is resized to the size, the longer one cropped),
            "pad" (the longer side is resized, the shorter one filled up), or "squash" (nothing does).
        crop_fraction: size divided by what the picture is resized to before the crop (timm's ``crop_pct``).
        fill: colour of the padding, 0 to 255.
        patch: (height, width) of a patch. What the patches leave over of the size at the right and the bottom is not
            seen (SigLIP so400m: 384 px, patch 14).
        channels: of the pixels: 3, or 1 for models of grey pictures, which get the mean of the means and deviations; of
            any other number, those that :class:`~whylight.models.raster.Raster` has.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    fit: Fit = "crop"
    crop_fraction: float = 1.0
    fill: tuple[int, int, int] = (0, 0, 0)
    patch: tuple[int, int] = (1, 1)
    channels: int = 3

    def __post_init__(self) -> None:
        """Refuse what no picture can be prepared with.

        Raises:
            BadInput: naming it.
        """
        numbers = (*self.mean, *self.std, self.crop_fraction, *self.size, *self.patch, *self.fill)
        if not all(isinstance(number, (int, float)) and math.isfinite(number) for number in numbers):
            raise BadInput(f"pictures are prepared with numbers, not {self}")
        if len(self.mean) != len(self.std) or not self.mean or not all(self.std):
            raise BadInput(f"mean and std are of as many channels, std not zero: {self.mean}, {self.std}")
        if not self.crop_fraction > 0 or len(self.size) != 2 or not 1 <= min(self.size) <= max(self.size) < _LONGEST:
            raise BadInput(
                f"size and crop must be positive, and sides below {_LONGEST}: {self.size}, {self.crop_fraction}"
            )
        if any(side < patch for side, patch in zip(self.size, self.patch, strict=True)):
            raise BadInput(f"a picture of {self.size} (height, width) has no patch of {self.patch}")
        if self.interpolation not in _FILTERS or self.fit not in get_args(Fit):
            raise BadInput(f"unknown interpolation {self.interpolation!r} or fit {self.fit!r}")

    def resized(self, size: tuple[int, int], fit: Fit | None = None) -> Preprocessing:
        """The same for another input size, all of which is seen (:func:`whylight.models.sizes.fit_to_patches`)."""
        return replace(self, size=size, fit=fit or self.fit, patch=self.patch if size == self.size else (1, 1))

    def __call__(self, picture: Image.Image | Raster) -> tuple[Tensor, Frame]:
        """A picture as normalised pixels (channels, H, W), float32, and the part of it that they show.

        Raises:
            BadInput: means and deviations of another number of channels.
        """
        if isinstance(picture, Raster):
            cut = [self._cut(each, fill) for each, fill in zip(picture.each(), self._fills(picture), strict=True)]
            pixels = torch.cat([vision.pil_to_tensor(seen) for seen, _ in cut])
            return self._normalized(pixels), self._frame(picture.size, cut[0][1])
        picture = picture if picture.mode == "RGB" else picture.convert("RGB")
        seen, resized = self._cut(picture, self.fill)
        pixels = vision.to_tensor(seen.convert("L") if self.channels == 1 else seen)
        return self._normalized(pixels), self._frame(picture.size, resized)

    def _fills(self, picture: Raster) -> list[float]:
        """The colour of the padding in each channel: grey where these are not red, green and blue."""
        red, green, blue = (value / 255 for value in self.fill)
        gray = 0.299 * red + 0.587 * green + 0.114 * blue
        return [red, green, blue] if picture.channels == 3 else [gray] * picture.channels

    def _cut(self, picture: Image.Image, fill: tuple[int, int, int] | float) -> tuple[Image.Image, tuple[int, int]]:
        """The picture resized, and cropped or padded to the input's size; and what it was resized to."""
        rows, columns = self.size
        resized = vision.resize(picture, self._before_crop(picture), InterpolationMode(self.interpolation))
        seen = Image.new(picture.mode, (columns, rows), fill)
        seen.paste(resized, (-_centered(resized.width, columns), -_centered(resized.height, rows)))
        return seen, resized.size

    def _normalized(self, pixels: Tensor) -> Tensor:
        mean, std = list(self.mean), list(self.std)
        if len(pixels) == 1:
            mean, std = [sum(mean) / len(mean)], [sum(std) / len(std)]
        if len(mean) not in (1, len(pixels)):
            raise BadInput(
                f"the model reads {len(pixels)} channels, and there are means of {len(mean)}: give its own, "
                "whylight.wrap(model, mean=..., std=...)"
            )
        normalized: Tensor = vision.normalize(pixels, mean, std)
        return normalized

    def _frame(self, picture: tuple[int, int], resized: tuple[int, int]) -> Frame:
        """Which part of a picture of this (width, height) the patches cover."""
        rows, columns = self.size
        top, left = _centered(resized[1], rows), _centered(resized[0], columns)
        bottom, right = top + rows - rows % self.patch[0], left + columns - columns % self.patch[1]
        down, across = picture[1] / resized[1], picture[0] / resized[0]
        return Frame((picture[1], picture[0]), (left * across, top * down, right * across, bottom * down))

    def _before_crop(self, picture: Image.Image) -> list[int]:
        """What the picture is resized to: [height, width], or [shorter side], rounded as the model libraries do."""
        rows, columns = (math.floor(side / self.crop_fraction) for side in self.size)
        if self.fit == "squash":
            return [rows, columns]
        if self.fit == "crop" and rows == columns:
            return [rows]
        choose = min if self.fit == "crop" else max
        ratio = choose(picture.height / rows, picture.width / columns)
        return [max(1, round(picture.height / ratio)), max(1, round(picture.width / ratio))]


def _centered(side: int, wanted: int) -> int:
    """Where a centred stretch of ``wanted`` pixels begins in ``side`` pixels; negative where it sticks out."""
    return round((side - wanted) / 2) if side >= wanted else -((wanted - side) // 2)


def place_in_picture(maps: Tensor, frame: Frame) -> Tensor:
    """Put maps of what the model saw back into the picture's own geometry.

    Args:
        maps: (targets, grid rows, grid columns).
        frame: where in the picture they belong.

    Returns:
        (targets, height, width), bilinear inside the frame, zero outside it.
    """
    height, width = frame.picture
    left, top, right, bottom = frame.box
    # One sample for each picture pixel whose centre lies in the frame, at the place of that centre in the grid.
    y0, y1 = max(0, math.ceil(top - 0.5)), min(height, math.ceil(bottom - 0.5))
    x0, x1 = max(0, math.ceil(left - 0.5)), min(width, math.ceil(right - 0.5))
    y = (torch.arange(y0, y1, device=maps.device, dtype=maps.dtype) + 0.5 - top) / (bottom - top) * 2 - 1
    x = (torch.arange(x0, x1, device=maps.device, dtype=maps.dtype) + 0.5 - left) / (right - left) * 2 - 1
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).expand(len(maps), -1, -1, -1)
    inside = F.grid_sample(maps[:, None], places, mode="bilinear", padding_mode="border", align_corners=False)
    whole = maps.new_zeros(len(maps), height, width)
    whole[:, y0:y1, x0:x1] = inside[:, 0]
    return whole
