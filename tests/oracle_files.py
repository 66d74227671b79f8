"""Reading the oracle files: small random models with the values that independent implementations computed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

FOLDER = Path(__file__).parent / "oracles"


@dataclass(frozen=True)
class Oracle:
    """One oracle file.

    Attributes:
        meta: how to build the model, parsed from JSON where it is JSON.
        state: the model's state dict.
        tensors: inputs, and expected values named ``expected.*``; also by ``oracle[name]``.
    """

    meta: dict[str, Any]
    state: dict[str, Tensor]
    tensors: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def names(self, prefix: str) -> list[str]:
        """Tensors whose names begin so."""
        return sorted(name for name in self.tensors if name.startswith(prefix))


def read_oracle(name: str) -> Oracle:
    """The oracle file of that name."""
    with safe_open(FOLDER / f"{name}.safetensors", "pt") as file:
        meta = {key: _parsed(value) for key, value in (file.metadata() or {}).items()}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    state = {key.removeprefix("state."): value for key, value in tensors.items() if key.startswith("state.")}
    return Oracle(meta, state, {key: value for key, value in tensors.items() if not key.startswith("state.")})


def relative_difference(value: Tensor, expected: Tensor) -> float:
    """Largest absolute difference, relative to the largest expected value."""
    assert value.shape == expected.shape, (value.shape, expected.shape)
    return ((value - expected).abs().max() / expected.abs().max()).item()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
