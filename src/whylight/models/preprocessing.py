"""From a picture to pixels, and back: where in the picture each map belongs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torchvision.transforms.functional as vision
from PIL import Image
from torch import Tensor
from torchvision.transforms import InterpolationMode

Fit = Literal["crop", "squash", "pad"]


@dataclass(frozen=True)
class Frame:
    """Which part of a picture the model saw.

    Attributes:
        picture: (height, width) of the picture in pixels.
        box: (left, top, right, bottom) of what the model saw, in picture pixels; outside the picture where padded.
    """

    picture: tuple[int, int]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its pictures.

    Attributes:
        size: (height, width) of the input in pixels.
        mean, std: of the three channels, for pixels in [0, 1].
        interpolation: "bicubic", "bilinear" or "nearest".
        fit: "crop" (shorter side resized, centre cropped), "squash" (both sides resized), "pad" (longer side resized,
            the rest filled with black).
        crop_fraction: with "crop", the size divided by the side that the picture is resized to (timm's ``crop_pct``).
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    fit: Fit = "crop"
    crop_fraction: float = 1.0

    def resized(self, size: tuple[int, int], fit: Fit | None = None) -> Preprocessing:
        """The same for another input size."""
        return replace(self, size=size, fit=fit or self.fit)

    def __call__(self, picture: Image.Image) -> tuple[Tensor, Frame]:
        """A picture as normalised pixels (3, H, W), float32, and the part of it that they show."""
        picture = picture.convert("RGB")
        width, height = picture.size
        rows, columns = self.size
        mode = InterpolationMode(self.interpolation)
        if self.fit == "squash":
            pixels = vision.resize(picture, [rows, columns], mode)
            box = (0.0, 0.0, float(width), float(height))
        elif self.fit == "crop":
            pixels, box = self._crop(picture, mode)
        else:
            pixels, box = self._pad(picture, mode)
        tensor = vision.normalize(vision.to_tensor(pixels), list(self.mean), list(self.std))
        return tensor, Frame((height, width), box)

    def _crop(
        self, picture: Image.Image, mode: InterpolationMode
    ) -> tuple[Image.Image, tuple[float, float, float, float]]:
        width, height = picture.size
        rows, columns = self.size
        target = [int(rows / self.crop_fraction), int(columns / self.crop_fraction)]
        if target[0] == target[1]:
            resized = vision.resize(picture, [target[0]], mode)
        else:
            ratio = max(target[0] / height, target[1] / width)
            resized = vision.resize(picture, [round(height * ratio), round(width * ratio)], mode)
        cropped = vision.center_crop(resized, [rows, columns])
        across, down = width / resized.width, height / resized.height
        left = round((resized.width - columns) / 2.0)
        top = round((resized.height - rows) / 2.0)
        return cropped, (left * across, top * down, (left + columns) * across, (top + rows) * down)

    def _pad(
        self, picture: Image.Image, mode: InterpolationMode
    ) -> tuple[Image.Image, tuple[float, float, float, float]]:
        width, height = picture.size
        rows, columns = self.size
        ratio = min(rows / height, columns / width)
        resized = vision.resize(picture, [max(1, round(height * ratio)), max(1, round(width * ratio))], mode)
        left, top = (columns - resized.width) // 2, (rows - resized.height) // 2
        padded = Image.new("RGB", (columns, rows))
        padded.paste(resized, (left, top))
        across, down = width / resized.width, height / resized.height
        return padded, (-left * across, -top * down, (columns - left) * across, (rows - top) * down)


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
    x0, y0 = max(0, round(left)), max(0, round(top))
    x1, y1 = min(width, round(right)), min(height, round(bottom))
    rows, columns = maps.shape[-2:]
    # One sample per picture pixel inside the frame, at the place in the grid where that pixel's centre lies.
    y = (torch.arange(y0, y1, device=maps.device, dtype=maps.dtype) + 0.5 - top) / (bottom - top) * 2 - 1
    x = (torch.arange(x0, x1, device=maps.device, dtype=maps.dtype) + 0.5 - left) / (right - left) * 2 - 1
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).expand(len(maps), -1, -1, -1)
    inside = torch.nn.functional.grid_sample(
        maps.reshape(-1, 1, rows, columns), places, mode="bilinear", padding_mode="border", align_corners=False
    )[:, 0]
    whole = maps.new_zeros(len(maps), height, width)
    whole[:, y0:y1, x0:x1] = inside
    return whole
