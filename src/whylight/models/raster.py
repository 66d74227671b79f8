"""Pictures of any number of channels and any depth, as floating values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True, eq=False)
class Raster:
    """A picture as its channels, upright.

    Attributes:
        values: (channels, height, width) float32; 0 is black and 1 is white.
    """

    values: npt.NDArray[np.float32]

    @property
    def channels(self) -> int:
        return len(self.values)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as PIL has them."""
        return self.values.shape[2], self.values.shape[1]

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    def each(self) -> list[Image.Image]:
        """Every channel as a floating PIL picture."""
        return [Image.fromarray(values) for values in self.values]

    def shown(self) -> Image.Image:
        """RGB for people: three channels as they are, others as their mean in grey."""
        values = self.values if self.channels == 3 else np.repeat(self.values.mean(0, keepdims=True), 3, 0)
        return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0).copy())

    def tobytes(self) -> bytes:
        """Its values, to tell it from others."""
        return self.values.tobytes()
