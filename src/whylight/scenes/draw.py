"""Scenes: pictures of textured shapes on cluttered grounds, with the exact mask of every object.

Everything about a scene follows from its seed. Seeds below :data:`FIRST_EVALUATION_SEED` are for training; the bundled
models have seen none at or above it, so those are what figures are measured on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from whylight.scenes.captions import describe
from whylight.scenes.ground import GROUNDS, draw_ground
from whylight.scenes.shapes import KINDS, outline

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (214, 32, 38),
    "orange": (244, 132, 24),
    "yellow": (244, 216, 40),
    "green": (40, 158, 60),
    "turquoise": (46, 206, 200),
    "blue": (36, 78, 212),
    "purple": (134, 48, 176),
    "pink": (246, 130, 186),
}
TEXTURES: tuple[str, ...] = ("plain", "striped", "dotted")
FIRST_EVALUATION_SEED = 10**9
EXAMPLE_SEEDS: tuple[int, ...] = (1000000043, 1000000028, 1000000042, 1000000035, 1000000017, 1000000032)
"""Evaluation seeds whose scenes of two to four objects show well what a heat map should find."""
LEAST_VISIBLE = 0.6
"""Every object of a scene shows at least this share of its area; the rest may lie under later objects."""
_LAYOUT_SIZE = 48
_SUPERSAMPLING = 3


@dataclass(frozen=True)
class SceneObject:
    """One object as it is seen: ``mask`` is the visible part, (H, W) bool; ``box`` is (left, top, right, bottom) of the
    mask in pixels, right and bottom excluded."""

    kind: str
    color: str
    texture: str
    mask: npt.NDArray[np.bool_]
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """A picture, (H, W, 3) uint8, and what is in it: objects in drawing order (later ones on top) and the ground."""

    picture: npt.NDArray[np.uint8]
    objects: tuple[SceneObject, ...]
    ground: str
    seed: int
    caption: str


@dataclass(frozen=True)
class _Placed:
    kind: str
    color: str
    texture: str
    x: float
    y: float
    radius: float
    angle: float
    texture_angle: float
    shade: npt.NDArray[np.float64]
    zoom: float


def draw_scene(seed: int, size: int = 96, objects: tuple[int, int] = (1, 5), zoom: float = 1.0) -> Scene:
    """Draw the scene of a seed.

    Args:
        seed: any integer >= 0; training seeds lie below :data:`FIRST_EVALUATION_SEED`.
        size: height and width in pixels; the same seed at another size is the same scene, drawn finer or coarser.
        objects: the least and the greatest number of objects (both included).
        zoom: how much larger than usual the objects are, measured in the picture's side: 2 for a close-up of one.
    """
    random = np.random.default_rng(seed)
    placed = _layout(random, int(random.integers(objects[0], objects[1] + 1)), zoom)
    ground = GROUNDS[int(random.integers(len(GROUNDS)))]
    canvas = draw_ground(random, ground, size)
    owner = np.full((size, size), -1, dtype=np.int8)
    for index, item in enumerate(placed):
        _paint(canvas, owner, item, index)
    seen = tuple(_seen(item, owner == index) for index, item in enumerate(placed))
    picture = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    return Scene(picture, seen, ground, seed, describe([(o.texture, o.color, o.kind) for o in seen], ground))


def scenes(start: int, count: int, size: int = 96, objects: tuple[int, int] = (1, 5)) -> Iterator[Scene]:
    """The scenes of seeds ``start`` to ``start + count - 1``; arguments as for :func:`draw_scene`."""
    for seed in range(start, start + count):
        yield draw_scene(seed, size, objects)


def _layout(random: np.random.Generator, count: int, zoom: float = 1.0) -> list[_Placed]:
    """Draw layouts until one fits: objects apart enough that each shows at least LEAST_VISIBLE of itself."""
    while True:
        placed = _try_layout(random, count, zoom)
        if placed and _all_visible(placed):
            return placed


def _try_layout(random: np.random.Generator, count: int, zoom: float) -> list[_Placed]:
    largest = 0.21 if count <= 2 else 0.19 if count == 3 else 0.175
    radii = random.uniform(0.13, largest, count) * zoom
    spots: list[tuple[float, float]] = []
    for radius in radii:
        for _ in range(30):
            x, y = random.uniform(radius, 1 - radius, 2)
            near = (np.hypot(x - a, y - b) < 0.85 * (radius + r) for (a, b), r in zip(spots, radii, strict=False))
            if not any(near):
                spots.append((float(x), float(y)))
                break
        else:
            return []
    return [
        _Placed(
            kind=KINDS[int(random.integers(len(KINDS)))],
            color=list(COLORS)[int(random.integers(len(COLORS)))],
            texture=TEXTURES[int(random.integers(len(TEXTURES)))],
            x=x,
            y=y,
            radius=float(radius),
            angle=float(random.uniform(-0.35, 0.35)),
            texture_angle=float(random.uniform(0, np.pi)),
            shade=random.uniform(0.9, 1.08) * random.uniform(0.96, 1.04, 3),
            zoom=zoom,
        )
        for (x, y), radius in zip(spots, radii, strict=True)
    ]


def _all_visible(placed: list[_Placed]) -> bool:
    """Judged at one fixed, coarse size, so that a seed's layout does not depend on the size it is drawn at."""
    covered = np.zeros((_LAYOUT_SIZE, _LAYOUT_SIZE), dtype=bool)
    for item in reversed(placed):
        image = Image.new("1", (_LAYOUT_SIZE, _LAYOUT_SIZE))
        _fill(ImageDraw.Draw(image), item, _LAYOUT_SIZE, (0, 0))
        shape = np.asarray(image)
        if (shape & covered).sum() > (1 - LEAST_VISIBLE - 0.05) * shape.sum():
            return False
        covered |= shape
    return True


def _fill(pen: ImageDraw.ImageDraw, item: _Placed, scale: float, corner: tuple[float, float]) -> None:
    center = (item.x * scale - corner[0], item.y * scale - corner[1])
    for polygon, value in zip(outline(item.kind, center, item.radius * scale, item.angle), (255, 0), strict=False):
        pen.polygon([(float(x), float(y)) for x, y in polygon], fill=value)


def _paint(canvas: npt.NDArray[np.float32], owner: npt.NDArray[np.int8], item: _Placed, index: int) -> None:
    """Lay an object over the canvas, with smooth edges; pixels that it covers by half or more become its own."""
    size = canvas.shape[0]
    reach = item.radius * 1.1 + 1 / size
    left, top = (max(0, int((c - reach) * size)) for c in (item.x, item.y))
    right, bottom = (min(size, int(np.ceil((c + reach) * size))) for c in (item.x, item.y))
    fine = Image.new("L", ((right - left) * _SUPERSAMPLING, (bottom - top) * _SUPERSAMPLING))
    corner = (left * _SUPERSAMPLING, top * _SUPERSAMPLING)
    _fill(ImageDraw.Draw(fine), item, size * _SUPERSAMPLING, corner)
    cover = np.asarray(fine.reduce(_SUPERSAMPLING), dtype=np.float32)[..., None] / 255
    window = canvas[top:bottom, left:right]
    window += cover * (_surface(item, size, left, top, right, bottom) - window)
    owner[top:bottom, left:right][cover[..., 0] >= 0.5] = index


def _surface(item: _Placed, size: int, left: int, top: int, right: int, bottom: int) -> npt.NDArray[np.float32]:
    """The object's colours on its window: its own colour, with light stripes or dark dots where it has them."""
    color = np.clip(np.array(COLORS[item.color]) * item.shade, 0, 255).astype(np.float32)
    if item.texture == "plain":
        return color[None, None, :]
    x = ((np.arange(left, right) + 0.5) / size - item.x).astype(np.float32)[None, :]
    y = ((np.arange(top, bottom) + 0.5) / size - item.y).astype(np.float32)[:, None]
    cosine, sine = np.float32(np.cos(item.texture_angle)), np.float32(np.sin(item.texture_angle))
    along, across = (x * cosine + y * sine) / np.float32(item.zoom), (y * cosine - x * sine) / np.float32(item.zoom)
    if item.texture == "striped":
        wave, sharpness, other = np.sin(along * (2 * np.pi / 0.075)), size / 40, color * 0.4 + 140
    else:
        wave = np.cos(along * (2 * np.pi / 0.085)) * np.cos(across * (2 * np.pi / 0.085)) - 0.3
        sharpness, other = size / 30, color * 0.35
    share = np.clip(wave * np.float32(sharpness) + 0.5, 0, 1)[..., None]
    blended: npt.NDArray[np.float32] = color + share * (other - color)
    return blended


def _seen(item: _Placed, mask: npt.NDArray[np.bool_]) -> SceneObject:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return SceneObject(item.kind, item.color, item.texture, mask, box)
