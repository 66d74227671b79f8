"""The bundled models and the pictures they were trained on: textured shapes whose exact masks are known."""

from whylight.scenes.captions import describe, phrase
from whylight.scenes.draw import EXAMPLE_SEEDS, FIRST_EVALUATION_SEED, Scene, SceneObject, draw_scene, scenes

__all__ = [
    "EXAMPLE_SEEDS",
    "FIRST_EVALUATION_SEED",
    "Scene",
    "SceneObject",
    "describe",
    "draw_scene",
    "phrase",
    "scenes",
]
