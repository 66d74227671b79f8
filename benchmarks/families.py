"""How far every family's driven forward is from the model's own, in float64 and in float32.

    PYTHONPATH=tests python benchmarks/families.py

Takes the small random models of tests/zoo, whose every parameter is perturbed, and prints a Markdown table: the largest
absolute difference of any output, beside the size of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import zoo
from torch import Tensor
from zoo.swin_models import SWIN
from zoo.swin_models import own_output as own_output_of_swin
from zoo.transformers_models import PICTURES, TEXTS
from zoo.transformers_models import own_output as own_output_of_transformers

import whylight

Outputs = Callable[[Any, Any], Tensor]
PRECISIONS = (torch.float64, torch.float32)


def main() -> None:
    print("| family | outputs up to | float64 | float32 |\n|---|---:|---:|---:|")
    for name, build, own in families():
        cells = []
        for precision in PRECISIONS:
            model, inputs = build()
            largest, difference = compared(model.to(precision), in_precision(inputs, precision), own)
            cells += [f"{largest:.2g}", f"{difference:.1e}"]
        print(f"| {name} | {cells[0]} | {cells[1]} | {cells[3]} |")


def families() -> Iterator[tuple[str, Callable[[], Any], Outputs]]:
    """Name, what builds model and inputs, and what gives the model's own output."""
    for name, build in zoo.ZOO.items():
        yield name, build, pooled
    for name, build in SWIN.items():
        yield f"Swin, {name}", build, own_output_of_swin
    for name, build in (PICTURES | TEXTS).items():
        yield f"transformers {name}", build, own_output_of_transformers


def pooled(model: Any, inputs: Any) -> Tensor:
    """The model's own output; where it pools nothing, the token or the mean that is read."""
    own = zoo.own_output(model, inputs)
    if own.dim() == 3:
        return own[:, 0] if whylight.wrap(model).pooling == "class_token" else own.mean(1)
    return own


def in_precision(inputs: Any, precision: torch.dtype) -> Any:
    return inputs.to(precision) if isinstance(inputs, Tensor) else inputs


@torch.no_grad()
def compared(model: Any, inputs: Any, own_output: Outputs) -> tuple[float, float]:
    """The largest absolute output, and the largest difference from it."""
    own = own_output(model, inputs)
    return float(own.abs().max()), float((whylight.wrap(model).output(inputs) - own).abs().max())


if __name__ == "__main__":
    main()
