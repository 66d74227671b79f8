"""What every method lights up on the six example scenes: docs/figures/methods.jpg.

Run it from the repository root: python docs/figures/make_methods_figure.py
Rows are methods, columns are scenes. The prompt above a column names the outlined object; all objects of a scene are
asked for together. Each map is scaled to its own range; the cross stands where it is largest.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

import whylight
from whylight.scenes import EXAMPLE_SEEDS, Scene, draw_scene, phrase

FIRST = ["legrad"]
"""The rest follow in alphabetical order."""
OUT = Path(__file__).parent / "methods.jpg"


def main() -> None:
    view = whylight.load("scenes")
    scenes = [draw_scene(seed) for seed in EXAMPLE_SEEDS]
    methods = FIRST + [name for name in whylight.methods() if name not in FIRST]
    figure, axes = plt.subplots(
        len(methods) + 1,
        len(scenes),
        figsize=(8.4, 1.32 * (len(methods) + 1)),
        gridspec_kw={"wspace": 0.04, "hspace": 0.04},
    )
    for column, scene in enumerate(scenes):
        axes[0, column].imshow(scene.picture, interpolation="bilinear")
        axes[0, column].set_title(prompts_of(scene)[0].replace(" ", "\n", 2), fontsize=8)
        for row, method in enumerate(methods, 1):
            draw(axes[row, column], scene, heat_map(view, scene, method))
    for row, name in enumerate(["the scene", *methods]):
        axes[row, 0].set_ylabel(name.replace("_", "\n"), rotation=0, ha="right", va="center", fontsize=8)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    figure.savefig(OUT, dpi=110, bbox_inches="tight", pil_kwargs={"quality": 80, "optimize": True})
    print(f"{OUT.name}: {OUT.stat().st_size / 1000:.0f} kB, {len(methods)} methods")


def prompts_of(scene: Scene) -> list[str]:
    """One for each object, in drawing order."""
    return [phrase(texture=item.texture, color=item.color, kind=item.kind) for item in scene.objects]


def heat_map(view: whylight.View, scene: Scene, method: str) -> Tensor:
    """The map of the scene's first object, (H, W) in [0, 1]."""
    return whylight.explain(view, scene.picture, prompts_of(scene), method).maps[0]


def draw(axis: Axes, scene: Scene, heat: Tensor) -> None:
    gray = scene.picture.mean(-1)
    axis.imshow(gray, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    axis.imshow(heat, cmap="turbo", vmin=0, vmax=1, alpha=0.55, interpolation="bilinear")
    axis.contour(scene.objects[0].mask, levels=[0.5], colors="white", linewidths=0.9)
    y, x = np.unravel_index(int(heat.argmax()), heat.shape)
    axis.plot(x, y, marker="+", color="black", markersize=7, markeredgewidth=1.6)


if __name__ == "__main__":
    main()
