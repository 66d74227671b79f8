"""How good the bundled models are: ``python -m whylight.evaluation.judge_bundled``.

On scenes of seeds that no training has seen: how often a picture's own caption is the best of 64, and how often the
maximum of LeGrad's map (default options) for "a red star" lies on the red star: exactly, and within half a patch. A
map is made of patches, and shapes show at their edges: the centre of the strongest patch may lie just outside.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from whylight.methods.relevance import relevance
from whylight.models.wrap import wrap
from whylight.scenes.architecture import ModelName, configuration
from whylight.scenes.captions import phrase
from whylight.scenes.draw import FIRST_EVALUATION_SEED, Scene, SceneObject, scenes
from whylight.scenes.load import load_scenes

CAPTION_SEED = FIRST_EVALUATION_SEED + 1_000_000
POINTING_SEED = FIRST_EVALUATION_SEED + 2_000_000
CHOICES = 64
HALF_A_PATCH = 4


def caption_accuracy(name: ModelName, count: int) -> float:
    """The share of scenes (one to five objects) whose own caption scores highest among those of 64 scenes in a row.

    ``count`` is rounded down to a multiple of 64."""
    model, _, tokenizer = load_scenes(name)
    right = 0
    rounds = count // CHOICES
    for number in range(rounds):
        drawn = list(scenes(CAPTION_SEED + number * CHOICES, CHOICES))
        with torch.inference_mode():
            pictures = model.encode_image(pixels(name, drawn), normalize=True)
            texts = model.encode_text(tokenizer(scene.caption for scene in drawn), normalize=True)
        right += int(((pictures @ texts.T).argmax(1) == torch.arange(CHOICES)).sum())
    return right / (rounds * CHOICES)


def pointing_accuracy(name: ModelName, count: int, margin: int, method: str = "legrad") -> float:
    """The share of scenes (two to four objects) where the map for one object, named by colour and kind, has its maximum
    on it, or at most ``margin`` pixels beside it (the pointing game's tolerance). Patch relevance is enlarged
    bilinearly to the picture; scenes without a unique name are passed over."""
    model, _, tokenizer = load_scenes(name)
    view = wrap(model)
    hits = []
    for scene in scenes(POINTING_SEED, count, objects=(2, 4)):
        named = unique_objects(scene)[:1]
        if not named:
            continue
        with torch.inference_mode():
            prompt = model.encode_text(tokenizer([phrase(o.kind, o.color) for o in named]), normalize=True)
        raw = relevance(view, pixels(name, [scene]), prompt, method=method)[0]
        side = round(raw.shape[1] ** 0.5)
        maps = F.interpolate(raw.reshape(1, -1, side, side), size=scene.picture.shape[:2], mode="bilinear")[0]
        near = [_widened(o.mask, margin) for o in named]
        hits += [bool(mask.ravel()[int(heat.argmax())]) for mask, heat in zip(near, maps, strict=True)]
    return float(np.mean(hits))


def _widened(mask: npt.NDArray[np.bool_], margin: int) -> Tensor:
    """A mask and all within ``margin`` pixels of it, along rows and columns."""
    return F.max_pool2d(torch.from_numpy(mask)[None].float(), 2 * margin + 1, stride=1, padding=margin)[0] > 0


def unique_objects(scene: Scene) -> list[SceneObject]:
    """The objects whose colour and kind no other object of the scene shares, in drawing order."""
    names = [(o.color, o.kind) for o in scene.objects]
    return [o for o in scene.objects if names.count((o.color, o.kind)) == 1]


def pixels(name: ModelName, drawn: Sequence[Scene]) -> Tensor:
    """(scenes, 3, H, W) float32, normalised as the model wants it."""
    said = configuration(name)["preprocess_cfg"]
    mean, std = (torch.tensor(said[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    stacked = torch.from_numpy(np.stack([scene.picture for scene in drawn])).permute(0, 3, 1, 2)
    return (stacked.float() / 255 - mean) / std


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge the bundled models on scenes of unseen seeds.")
    parser.add_argument("--captions", type=int, default=1024, help="scenes for the caption accuracy")
    parser.add_argument("--pointing", type=int, default=500, help="scenes for the pointing accuracy")
    chosen = parser.parse_args()
    for name in get_args(ModelName):
        print(f"{name}: right caption out of {CHOICES}: {caption_accuracy(name, chosen.captions):.1%}", flush=True)
        for margin, where in ((0, "on"), (HALF_A_PATCH, "on, or within half a patch of,")):
            share = pointing_accuracy(name, chosen.pointing, margin)
            print(f"{name}: the maximum of LeGrad's map lies {where} the named object: {share:.1%}", flush=True)


if __name__ == "__main__":
    main()
