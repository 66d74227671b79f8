"""The grounds that scenes lie on: a muted colour, a pattern, and clutter that no caption mentions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

_GROUND_COLORS: dict[str, tuple[int, int, int]] = {
    "white": (234, 232, 226),
    "grey": (148, 148, 146),
    "black": (32, 32, 36),
    "brown": (112, 82, 54),
}
GROUNDS: tuple[str, ...] = tuple(_GROUND_COLORS)
_PATTERNS = ("cloudy", "sloping", "checked", "wavy", "grainy")


def draw_ground(random: np.random.Generator, ground: str, size: int) -> npt.NDArray[np.float32]:
    """A ground of (size, size, 3), values 0 to 255: its colour, one of five patterns, and lines and pebbles on top."""
    color = np.array(_GROUND_COLORS[ground]) + random.uniform(-10, 10, 3)
    pattern = _pattern(random, _PATTERNS[int(random.integers(len(_PATTERNS)))], size)
    tint = random.uniform(14, 26) * random.uniform(0.85, 1.15, 3)
    field = color + pattern[..., None] * tint
    image = Image.fromarray(np.clip(field, 0, 255).astype(np.uint8))
    _clutter(random, image, color, size)
    return np.asarray(image, dtype=np.float32).copy()


def _pattern(random: np.random.Generator, name: str, size: int) -> npt.NDArray[np.float32]:
    """Values of about -1 to 1, (size, size)."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    angle, frequency, phase = random.uniform(0, np.pi), random.uniform(3, 8), random.uniform(0, 2 * np.pi)
    along = axis[None, :] * np.float32(np.cos(angle)) + axis[:, None] * np.float32(np.sin(angle))
    if name in ("cloudy", "grainy"):
        cells = 7 if name == "cloudy" else 40
        noise = Image.fromarray(random.uniform(-1, 1, (cells, cells)).astype(np.float32))
        return np.asarray(noise.resize((size, size), Image.Resampling.BILINEAR))
    if name == "sloping":
        return np.asarray(2 * along - 1, dtype=np.float32)
    if name == "checked":
        steps = np.floor(axis * np.float32(frequency) + np.float32(phase)).astype(np.int32)
        return ((steps[:, None] + steps[None, :]) % 2 * 1.4 - 0.7).astype(np.float32)
    return np.asarray(np.sin(along * (2 * np.pi * frequency) + phase) * 0.8, dtype=np.float32)


def _clutter(random: np.random.Generator, image: Image.Image, color: npt.NDArray[np.float64], size: int) -> None:
    """Up to five thin lines and eight pebbles, in the ground's own tone made darker or lighter."""
    pen = ImageDraw.Draw(image)
    for _ in range(int(random.integers(0, 6))):
        ends = random.uniform(0, 1, 4) * size
        pen.line([float(v) for v in ends], fill=_tone(random, color), width=max(1, round(size / 96)))
    for _ in range(int(random.integers(0, 9))):
        x, y = random.uniform(0, 1, 2) * size
        width, height = random.uniform(0.01, 0.035, 2) * size
        pen.ellipse([x - width, y - height, x + width, y + height], fill=_tone(random, color))


def _tone(random: np.random.Generator, color: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    red, green, blue = np.clip(color + random.choice((-1, 1)) * random.uniform(20, 50), 0, 255).astype(int)
    return int(red), int(green), int(blue)
