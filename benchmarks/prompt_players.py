"""Four objects by one prompt: does it matter how the prompt is taken apart, and how a map's maximum is read?

    python benchmarks/prompt_players.py --method legrad --scenes 60 --skip 60

The scenes of `several_objects.py`. For each way of taking the prompt apart, the share of objects on which the map of
their own words has its maximum: at its place in the enlarged map, with the paired difference to the benchmark's way,
and where any of the four pixels in the middle of the strongest patch is enough.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

import whylight
from whylight.evaluation.benchmarks.recognition import MOST, one_prompt
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.pixel_maps import enlarge
from whylight.evaluation.pointing import points_inside
from whylight.models.view import View
from whylight.pictures.phrases import phrases_of
from whylight.pictures.shapley import Players, weights_of_sets
from whylight.reports.tables import markdown_table

DRAWS = 1000


def ands_stay(names: Sequence[str], kept: Players) -> str:
    return " and ".join(name if here else "" for name, here in zip(names, kept, strict=True)).strip()


def articles_stay(names: Sequence[str], kept: Players) -> str:
    return " and ".join(name if here else name.split(" ")[0] for name, here in zip(names, kept, strict=True))


WAYS = {"each and stays": ands_stay, "articles and ands stay": articles_stay}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", default="legrad")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--skip", type=int, default=0, help="scenes that are passed over first")
    asked = parser.parse_args()
    view, source = whylight.load("scenes"), Scenes(MOST * (asked.skip + asked.scenes), "counts")
    places = range(MOST * (asked.skip + 1) - 1, len(source), MOST)
    hits = 100 * np.array([of_scene(view, source, place, asked.method) for place in places])
    names = ["objects joined anew", "phrases and each and", *WAYS, "whole prompt", "alone"]
    drawn = np.random.default_rng(0).multinomial(len(hits), np.full(len(hits), 1 / len(hits)), DRAWS) / len(hits)
    rows = []
    for number, name in enumerate(names):
        share, less = hits[:, number, 0], hits[:, number, 0] - hits[:, 0, 0]
        (low, high), (least, most) = (np.percentile(drawn @ one, (2.5, 97.5)) for one in (share, less))
        middle = hits[:, number, 1].mean()
        told = (f"{share.mean():.0f} [{low:.0f}, {high:.0f}]", f"{less.mean():+.1f} [{least:+.1f}, {most:+.1f}]")
        rows.append([name, *told, f"{middle:.0f}"])
    print(markdown_table(["players", "its words", "difference", "by the patch's middle"], rows))


def of_scene(view: View, source: Scenes, place: int, method: str) -> list[list[float]]:
    """Of each way, the share of the scene's objects by both readings."""
    sample = source.read(place)
    names = [region.label for region in sample.regions]
    masks = [torch.from_numpy(region.mask) for region in sample.regions if region.mask is not None]
    joined, phrases = one_prompt(names), phrases_of(" and ".join(f"({name})" for name in names))
    sets, weights = weights_of_sets(len(phrases.parts))
    few, weights_of_few = weights_of_sets(len(names))
    games = [([joined.text(some) for some in few], weights_of_few)]
    games += [([phrases.text(some) for some in sets], weights[:, ::2])]  # every other part is "and"
    games += [([way(names, some) for some in few], weights_of_few) for way in WAYS.values()]
    texts = list(dict.fromkeys([*names, *(text for asked, _ in games for text in asked)]))
    assert view.preprocessing is not None
    with torch.no_grad():
        prompts = view.encode_text(texts)
    pixels = view.preprocessing(sample.picture)[0][None]
    raw = whylight.relevance(view, pixels, prompts, method=method)[0].double()
    of_text = dict(zip(texts, raw, strict=True))
    maps = [weight.T @ torch.stack([of_text[text] for text in asked]) for asked, weight in games]
    maps += [of_text[phrases.prompt].expand(len(names), -1), torch.stack([of_text[name] for name in names])]
    return [np.mean([read(one, mask) for one, mask in zip(some, masks, strict=True)], axis=0).tolist() for some in maps]


def read(relevance: Tensor, mask: Tensor) -> tuple[bool, bool]:
    """Whether the maximum lies on the object: in the enlarged map, and by the middle of its strongest patch."""
    side = round(len(relevance) ** 0.5)
    patch = len(mask) // side
    large = enlarge(relevance.view(1, side, side), mask.shape)[0]
    row, column = (patch * int(place) + patch // 2 for place in divmod(int(relevance.argmax()), side))
    return points_inside(large, mask), bool((mask[row - 1 : row + 1, column - 1 : column + 1] == 1).any())


if __name__ == "__main__":
    main()
