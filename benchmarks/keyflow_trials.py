"""Changes of keyflow that were tried, each against keyflow as it was, on the same pictures.

    python benchmarks/keyflow_trials.py --half choosing --pictures 200
    python benchmarks/keyflow_trials.py --half held-out --pictures 200 --changes order

A change is chosen on the first half of the pictures and reported once on the second. Differences are paired: both maps
of the pictures that are drawn, 95 % bootstrap intervals. --photographs DIR asks DAVIS, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whylight.attention import AttentionCall
from whylight.attention.row_products import value_gradients
from whylight.evaluation import estimates
from whylight.evaluation.benchmarks.benchmark import Benchmark
from whylight.evaluation.benchmarks.planning import plan
from whylight.evaluation.benchmarks.rows import Skipped
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.ours import MODELS, ON_PHOTOGRAPHS, ON_SCENES, Protocol
from whylight.methods import find_method
from whylight.methods.answering.keyflow import moved
from whylight.methods.keyflow import for_and_against
from whylight.methods.registry import method
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.full_pass import FullPass, full_pass
from whylight.passes.key_likeness import KeyLikeness, key_likeness, record_key_likeness
from whylight.passes.logit_gradients import Gradients, score_gradients
from whylight.propagation.libra import libra_gradients

ASKED = ("scenes-segmentation", "scenes-points", "grid-pointing", "scenes-own-object", "scenes-randomized")
Formula = Callable[[Tensor, Tensor, KeyLikeness], Tensor]
Evidence = Callable[[FullPass, Gradients, list[AttentionCall]], tuple[Tensor, ...]]


def clipped(p: Tensor, n: Tensor, likeness: KeyLikeness) -> Tensor:
    """max(W r - mean, 0), r = p^2 / (p + n): keyflow as it was when the trials began."""
    return above_mean(likeness.spread(share(p, n)))


def order(p: Tensor, n: Tensor, likeness: KeyLikeness) -> Tensor:
    """max(W r - mean, (W r - min) / 10^12): what lies below the mean keeps its order, where there were ties."""
    return in_order(likeness.spread(share(p, n)))


def region(p: Tensor, n: Tensor, likeness: KeyLikeness) -> Tensor:
    """The share of the evidence that speaks for the target, told after the spread: (W p)^2 / (W p + W n)."""
    return above_mean(share(likeness.spread(p), likeness.spread(n)))


def difference(p: Tensor, n: Tensor, likeness: KeyLikeness) -> Tensor:
    """W (p - n): what a random model cannot tell apart cancels."""
    return above_mean(likeness.spread(p - n))


def values(full: FullPass, gradients: Gradients, calls: list[AttentionCall]) -> tuple[Tensor]:
    """What keyflow of answers sums, of every layer's values, (targets, batch, patches)."""
    found = []
    for call, gradient in gradients.from_last():
        every = gradient.new_ones(len(call.query), call.queries)
        found.append(moved(call, value_gradients(call, gradient, every)))
        calls.append(call)
    return (full.patches(torch.stack(found).sum(0)),)


def spread_in_order(evidence: Tensor, likeness: KeyLikeness) -> Tensor:
    return in_order(likeness.spread(evidence))


CHANGES: dict[str, Formula] = {"order": order, "region": region, "difference": difference}
SMOOTHED = "smoothed"
"""LeGrad with the last step of `order`."""
VALUES = "values"
"""What keyflow of answers sums in place of the flow."""


def share(p: Tensor, n: Tensor) -> Tensor:
    return p.square() / (p + n).clamp(min=torch.finfo(p.dtype).tiny)


def above_mean(spread: Tensor) -> Tensor:
    return (spread - spread.mean(-1, keepdim=True)).relu()


def in_order(spread: Tensor) -> Tensor:
    return torch.maximum(above_mean(spread), 1e-12 * (spread - spread.amin(-1, keepdim=True)))


def register(name: str, formula: Callable[..., Tensor], evidence: Evidence = for_and_against) -> None:
    @method(f"keyflow_{name}", summary=f"keyflow: {name}", citation="this project", libra=False, smooth=False)
    def changed(view: View, inputs: Inputs, targets: Targets) -> Tensor:
        with libra_gradients():
            full = full_pass(view, inputs)
        found, likeness = [], None
        for gradients in score_gradients(full, targets.scores):
            calls: list[AttentionCall] = []
            found.append(evidence(full, gradients, calls))
            likeness = likeness or key_likeness(full.run, calls)
        assert likeness is not None
        return formula(*(torch.cat(one).transpose(0, 1) for one in zip(*found, strict=True)), likeness)


def register_smoothed(name: str, last: Callable[[Tensor], Tensor]) -> None:
    @method(f"smoothed_{name}", summary=f"smoothed LeGrad: {name}", citation="this project", libra=False, smooth=False)
    def changed(view: View, inputs: Inputs, targets: Targets) -> Tensor:
        maps = find_method("legrad")(view, inputs, targets)
        return last(record_key_likeness(view, inputs).spread(maps))


@dataclass(frozen=True)
class Drawn:
    """A figure of each resample, the same pictures for every method."""

    value: float
    draws: np.ndarray[Any, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=("choosing", "held-out"), required=True)
    parser.add_argument("--changes", default=",".join([*CHANGES, SMOOTHED, VALUES]))
    parser.add_argument("--pictures", type=int, default=200, help="of both halves together; dear protocols take fewer")
    parser.add_argument("--photographs", type=Path)
    asked = parser.parse_args()
    register("clipped", clipped)
    pairs = []
    for name in asked.changes.split(","):
        if name == SMOOTHED:
            register_smoothed("clipped", above_mean)
            register_smoothed("order", in_order)
            pairs.append(("smoothed_order", "smoothed_clipped"))
        elif name == VALUES:
            register("order", order)
            register(VALUES, spread_in_order, values)
            pairs.append(("keyflow_values", "keyflow_order"))
        else:
            register(name, CHANGES[name])
            pairs.append((f"keyflow_{name}", "keyflow_clipped"))
    names = ",".join(dict.fromkeys(name for pair in pairs for name in reversed(pair)))
    for protocol, wanted in wanted_of(asked.pictures, asked.photographs, names):
        figures = measured(protocol, wanted, asked.half)
        for figure in protocol.figures:
            told = []
            for changed, before in pairs:
                one, other = figures[before][figure], figures[changed][figure]
                low, high = np.nanpercentile(other.draws - one.draws, (2.5, 97.5))
                told.append(f"{changed} {one.value:.1f} {other.value - one.value:+.2f} [{low:+.2f}, {high:+.2f}]")
            print(f"{wanted.benchmark} {Path(wanted.model).name} {figure}: {'; '.join(told)}", flush=True)


def wanted_of(pictures: int, photographs: Path | None, names: str) -> list[tuple[Protocol, Wanted]]:
    asked = [
        (protocol, Wanted(protocol.benchmark, None, model, names, "target", limit=max(8, pictures // protocol.dear)))
        for protocol in ON_SCENES
        if protocol.benchmark in ASKED
        for model in MODELS
    ]
    if photographs is not None:
        tiny = f"timm:local-dir:{photographs / 'weights/vit_tiny_imagenet200'}"
        boxes = (Protocol("grid-pointing", ("share", "foreground_ap"), data="images/tiny"),)
        asked += [
            (one, Wanted(one.benchmark, photographs / one.data, tiny, names, limit=pictures))
            for one in (*ON_PHOTOGRAPHS, *boxes)
            if one.benchmark in ("davis-segmentation", "grid-pointing") and (photographs / one.data).is_dir()
        ]
    return asked


def measured(protocol: Protocol, wanted: Wanted, half: str) -> dict[str, dict[str, Drawn]]:
    """Of every method, every figure of one half of the pictures."""
    planned = plan(wanted)
    count = min(len(planned.source), wanted.limit or len(planned.source))
    places = range(count // 2) if half == "choosing" else range(count // 2, count)
    read, maker = planned.maker.reader(planned.source), planned.maker
    rows: dict[str, list[Any]] = {}
    for index in places:
        picture = maker.checked(read(index))
        if not isinstance(picture, Skipped):
            for row in maker.measured([picture]):
                rows.setdefault(row["method"], []).append(row)
    assert isinstance(maker.benchmark, Benchmark)
    columns = ("picture", "label", *maker.benchmark.columns)
    drawn, estimates._interval = estimates._interval, lambda value, draws: estimates.Estimate(value, draws, draws)
    try:
        found = {
            label: maker.benchmark.figures({name: as_column([row[name] for row in some]) for name in columns})
            for label, some in rows.items()
        }
    finally:
        estimates._interval = drawn
    return {
        label: {name: Drawn(float(figures[name].value), figures[name].low) for name in protocol.figures}
        for label, figures in found.items()
    }


def as_column(values: list[Any]) -> np.ndarray[Any, Any]:
    if not isinstance(values[0], list):
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


if __name__ == "__main__":
    main()
