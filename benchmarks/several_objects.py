"""One prompt for the four objects of a scene: whose map has its maximum on each object?

    python benchmarks/several_objects.py --methods legrad,chefercam,keyflow --scenes 60
    python benchmarks/several_objects.py --methods legrad --scenes 60 --skip 60     # the next 60 scenes

The scenes of four objects alone, of those that `whylight benchmark scenes-recognition` has of one to four objects: the
whole prompt's map ("a ring and a star and a heart and a cross"), the map of what an object's own words add, and the
map of a prompt for the object alone.
"""

from __future__ import annotations

import argparse

import numpy as np

import whylight
from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.benchmarks.picture_rows import PictureRows
from whylight.evaluation.benchmarks.recognition import MOST, Recognition
from whylight.evaluation.benchmarks.rows import Skipped
from whylight.evaluation.data.scenes import Scenes
from whylight.evaluation.estimates import Estimate
from whylight.evaluation.heads import Head
from whylight.evaluation.method_choices import parse_methods
from whylight.reports.tables import cell, markdown_table

WAYS = ("whole", "words", "alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default="legrad,chefercam,keyflow")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--skip", type=int, default=0, help="scenes that are passed over first")
    parser.add_argument("--model", default="scenes")
    asked = parser.parse_args()
    source = Scenes(MOST * (asked.skip + asked.scenes), "counts")
    view, protocol = whylight.load(asked.model), Recognition()
    rows = []
    for choice in parse_methods(asked.methods):
        if choice.method not in BASELINES:
            maker = PictureRows(view, Head(view, source.classes, ("{}",)), protocol, [choice], ("target",))
            found = figures(maker, source, asked.skip)
            rows.append([f"`{choice.label}`", *(cell(found[f"{way}_{MOST}"], 0) for way in WAYS)])
            print(rows[-1], flush=True)
    print(markdown_table(["method", *(protocol.figures_shown[f"{way}_{MOST}"] for way in WAYS)], rows))


def figures(maker: PictureRows, source: Scenes, skip: int) -> dict[str, Estimate]:
    """Of every fourth scene: those of four objects, without the first ``skip`` of them."""
    read = maker.reader(source)
    rows = []
    for index in range(MOST * (skip + 1) - 1, len(source), MOST):
        item = read(index)
        assert not isinstance(item, Skipped)
        rows += maker.measured([item])
    columns = ("picture", *maker.benchmark.columns)
    return maker.benchmark.figures({name: np.array([row[name] for row in rows]) for name in columns})


if __name__ == "__main__":
    main()
