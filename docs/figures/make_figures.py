"""The pictures of the guides, and for each method the scene on which its map is worst: `make figures`.

Run it from the repository root: python docs/figures/make_figures.py; with names of methods, for their failures only.
Everything comes from the bundled model and scenes that it was not trained on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from PIL import Image

import whylight
from whylight.evaluation.segmentation import foreground_average_precision
from whylight.pictures.comparison import comparison_figure
from whylight.pictures.figure import SMALLEST
from whylight.scenes import EXAMPLE_SEEDS, Scene, draw_scene, phrase
from whylight.scenes.draw import COLORS, FIRST_EVALUATION_SEED
from whylight.scenes.shapes import KINDS

OUT = Path(__file__).parent
SIZE = 384
"""Pixels, as the command line draws the scene."""
TRIED, TRIED_SLOWLY = 24, 6
"""Scenes among which each method's worst is looked for; of methods that take many passes for a map."""
SLOW = (
    *("beyond_intuition", "integrated_gradients", "keyflow", "lrp", "partial_lrp", "relevance_rollout"),
    *("token_tm", "transformer_attribution"),
)


def main() -> None:
    view = whylight.load("scenes")
    if not sys.argv[1:]:
        draw_guides(view)
    (OUT / "failures").mkdir(exist_ok=True)
    for name in sys.argv[1:] or whylight.methods():
        draw_failure(view, name)


def draw_guides(view: whylight.View) -> None:
    """What is there, what is not, all methods, and a caption that is wrong."""
    scene = draw_scene(EXAMPLE_SEEDS[0], SIZE)
    present = [name_of(each) for each in scene.objects]
    explained = whylight.explain(view, picture_of(scene), present)
    explained.save(OUT / "explain.png")
    missing = next(f"a {color} {kind}" for kind in KINDS for color in COLORS if absent(scene, kind, color))
    whylight.explain(view, picture_of(scene), [present[0], present[1], missing]).save(OUT / "absent.png")
    methods = sorted(whylight.methods(), key=lambda name: (name != "legrad", name))
    answers = [whylight.explain(view, picture_of(scene), present[:1], method=name) for name in methods]
    comparison_figure(answers).savefig(OUT / "compare.png", dpi=110)
    whylight.attention(view, picture_of(scene), layer=-1, query=(7, 3)).save(OUT / "attention.png")
    draw_wrong(view)


def picture_of(scene: Scene) -> Image.Image:
    return Image.fromarray(scene.picture)


def name_of(item: object) -> str:
    return phrase(texture=item.texture, color=item.color, kind=item.kind)  # type: ignore[attr-defined]


def absent(scene: Scene, kind: str, color: str) -> bool:
    """Whether neither the kind nor both together are there, but the colour is."""
    return kind not in {each.kind for each in scene.objects} and color in {each.color for each in scene.objects}


def draw_wrong(view: whylight.View) -> None:
    """The first scene of a single object in which a wrong caption is preferred to the right one."""
    for seed in range(FIRST_EVALUATION_SEED + 5000, FIRST_EVALUATION_SEED + 5400):
        scene = draw_scene(seed, SIZE)
        item = max(scene.objects, key=lambda each: each.mask.sum())
        right = phrase(color=item.color, kind=item.kind)
        others = [phrase(color=color, kind=kind) for color in COLORS for kind in KINDS if there(scene, color, kind)]
        scores = whylight.explain(view, picture_of(scene), [right, *others]).scores
        best = max(range(len(scores)), key=scores.__getitem__)
        if best:
            whylight.explain(view, picture_of(scene), [right, others[best - 1]]).save(OUT / "wrong.png")
            return


def there(scene: Scene, color: str, kind: str) -> bool:
    """A caption that is wrong of every object."""
    return not any((each.color, each.kind) == (color, kind) for each in scene.objects)


def draw_failure(view: whylight.View, method: str) -> None:
    """Of some scenes the one whose first object the method's map finds worst, by foreground average precision."""
    worst = None
    for seed in range(
        FIRST_EVALUATION_SEED + 200, FIRST_EVALUATION_SEED + 200 + (TRIED_SLOWLY if method in SLOW else TRIED)
    ):
        scene = draw_scene(seed)
        result = whylight.explain(view, picture_of(scene), [name_of(each) for each in scene.objects], method=method)
        label = torch.from_numpy(scene.objects[0].mask.astype("int8"))
        found = foreground_average_precision(result.maps[0], label)
        if worst is None or found < worst[0]:
            worst = found, scene, result
    assert worst is not None
    found, scene, result = worst
    figure, axes = plt.subplots(1, 2, figsize=(4.6, 2.75), layout="constrained")
    for axis, drawn in zip(axes, (scene.picture, result.overlay(0)), strict=True):
        axis.imshow(drawn)
        axis.contour(scene.objects[0].mask, levels=[0.5], colors="white", linewidths=0.8)
        axis.axis("off")
    axes[0].set_title(result.targets[0], fontsize=SMALLEST)
    axes[1].set_title(f"{method}: AP {100 * found:.0f} %", fontsize=SMALLEST)
    figure.savefig(OUT / "failures" / f"{method}.jpg", dpi=110, pil_kwargs={"quality": 85, "optimize": True})
    plt.close(figure)
    print(f"| {method} | {100 * found:.0f} | {scene.seed} |", flush=True)


if __name__ == "__main__":
    main()
