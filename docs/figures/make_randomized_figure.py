"""How maps change while a model's blocks become random, from the last to the first: docs/figures/randomized.jpg.

Run it from the repository root: python docs/figures/make_randomized_figure.py
Rows are methods, columns are the trained model, its last block random, its last two, ... all of them. Below each map:
its rank correlation with that of the trained model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

import whylight
from whylight.evaluation.pixel_maps import enlarge, min_max_maps
from whylight.evaluation.randomized import RandomizedBlocks
from whylight.evaluation.rank_correlation import rank_correlation
from whylight.scenes import EXAMPLE_SEEDS, draw_scene, phrase

METHODS = ("legrad", "chefercam", "transformer_attribution", "relevance_rollout", "gem", "keyflow")
OUT = Path(__file__).parent / "randomized.jpg"


def main() -> None:
    view = whylight.load("scenes")
    assert view.preprocessing is not None
    scene = draw_scene(EXAMPLE_SEEDS[0])
    thing = scene.objects[0]
    prompt = phrase(thing.kind, thing.color, thing.texture)
    pixels = view.preprocessing(Image.fromarray(scene.picture))[0][None]
    target = view.encode_text([prompt])
    columns = [[whylight.relevance(view, pixels, target, method)[0] for method in METHODS]]
    for random in RandomizedBlocks(view, pixels):
        columns.append([whylight.relevance(random, pixels, target, method)[0] for method in METHODS])
    figure = Figure(figsize=(1.35 * len(columns), 1.62 * len(METHODS) + 0.3), layout="constrained")
    axes = figure.subplots(len(METHODS), len(columns))
    for row, method in enumerate(METHODS):
        for column, maps in enumerate(columns):
            draw(axes[row, column], scene.picture, maps[row], float(rank_correlation(columns[0][row], maps[row])))
        axes[row, 0].set_ylabel(method.replace("_", "\n"), fontsize=8)
    said = ["trained", "last block", *(f"last {count}" for count in range(2, len(columns) - 1)), "all random"]
    for axis, text in zip(axes[0], said, strict=True):
        axis.set_title(text, fontsize=9)
    figure.suptitle(f'"{prompt}", scenes', fontsize=9)
    figure.savefig(OUT, dpi=110, pil_kwargs={"quality": 80, "optimize": True})
    print(f"{OUT.name}: {OUT.stat().st_size / 1000:.0f} kB")


def draw(axis, picture: np.ndarray, relevance: torch.Tensor, correlation: float) -> None:
    heat = min_max_maps(enlarge(relevance.float().reshape(1, 12, 12), picture.shape[:2]))[0]
    axis.imshow(picture.mean(-1), cmap="gray", vmin=0, vmax=255)
    axis.imshow(heat, cmap="turbo", vmin=0, vmax=1, alpha=0.55)
    axis.set(xticks=[], yticks=[])
    axis.set_xlabel(f"{correlation:.2f}", fontsize=8)


if __name__ == "__main__":
    main()
