"""The outlines of the twelve kinds of objects, as polygons in the square [-1, 1] x [-1, 1] (y points down)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Polygon = npt.NDArray[np.float64]


def _arc(center: tuple[float, float], radius: float, start: float, stop: float, points: int = 40) -> Polygon:
    angles = np.linspace(start, stop, points)
    return np.stack([center[0] + radius * np.cos(angles), center[1] + radius * np.sin(angles)], axis=1)


def _circle(radius: float = 0.92) -> Polygon:
    return _arc((0, 0), radius, 0, 2 * np.pi, 48)


def _points(*corners: tuple[float, float]) -> Polygon:
    return np.array(corners, dtype=np.float64)


def _star() -> Polygon:
    angles = -np.pi / 2 + np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 1.05, 0.45)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _heart() -> Polygon:
    t = np.linspace(0, 2 * np.pi, 60)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x / 16.5, -(y + 2.5) / 15.5], axis=1)


def _crescent() -> Polygon:
    outer = _arc((0.1, 0), 0.95, 0.25 * np.pi, 1.75 * np.pi)
    tip = outer[-1]
    reach = float(tip[0] - 0.58)
    inner_radius = float(np.hypot(reach, tip[1]))
    inner = _arc(
        (0.58, 0), inner_radius, float(np.arctan2(tip[1], reach)) + 2 * np.pi, float(np.arctan2(-tip[1], reach))
    )
    return np.concatenate([outer, inner])


def _flower() -> Polygon:
    t = np.linspace(0, 2 * np.pi, 90)
    radius = 0.78 + 0.2 * np.cos(6 * t)
    return np.stack([radius * np.sin(t), -radius * np.cos(t)], axis=1)


OUTLINES: dict[str, Polygon] = {
    "circle": _circle(),
    "square": _points((-0.82, -0.82), (0.82, -0.82), (0.82, 0.82), (-0.82, 0.82)),
    "triangle": _points((0, -0.95), (0.98, 0.8), (-0.98, 0.8)),
    "star": _star(),
    "heart": _heart(),
    "cross": _points(
        *[(-0.33, -0.98), (0.33, -0.98), (0.33, -0.33), (0.98, -0.33), (0.98, 0.33), (0.33, 0.33)],
        *[(0.33, 0.98), (-0.33, 0.98), (-0.33, 0.33), (-0.98, 0.33), (-0.98, -0.33), (-0.33, -0.33)],
    ),
    "ring": _circle(0.98),
    "crescent": _crescent(),
    "arrow": _points((-1, -0.3), (0.05, -0.3), (0.05, -0.85), (1.02, 0), (0.05, 0.85), (0.05, 0.3), (-1, 0.3)),
    "flower": _flower(),
    "bolt": _points(
        (0.3, -1.05), (-0.75, 0.2), (-0.12, 0.2), (-0.35, 1.05), (0.75, -0.25), (0.1, -0.25), (0.62, -1.05)
    ),
    "hourglass": _points((-0.82, -0.95), (0.82, -0.95), (0.18, 0), (0.82, 0.95), (-0.82, 0.95), (-0.18, 0)),
}
HOLES: dict[str, Polygon] = {"ring": _circle(0.5)}
KINDS: tuple[str, ...] = tuple(OUTLINES)


def outline(kind: str, center: tuple[float, float], radius: float, angle: float) -> list[Polygon]:
    """The polygon of an object, and its hole if it has one: rotated by ``angle`` (radians), scaled and moved."""
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    polygons = [OUTLINES[kind]] + ([HOLES[kind]] if kind in HOLES else [])
    return [polygon @ turn * radius + np.array(center) for polygon in polygons]
