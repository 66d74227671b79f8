"""What a benchmark's run is, as its manifest holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whylight.errors import BadInput
from whylight.runs.manifest import NumberedSettings


@dataclass(frozen=True, kw_only=True)
class Settings(NumberedSettings):
    """Everything that a row of a benchmark depends on.

    Attributes:
        benchmark: its name; protocol and protocol_version say how it measures.
        model: what was loaded, and a digest of its weights.
        methods: label to name and options.
        explained: which classes are explained.
        templates: prompts.
        data: name, place and fingerprint of the data set.
        input_size: height and width of the model's input; of a text model how many pieces it reads.
        dtype: of the model.
    """

    benchmark: str
    protocol: str
    protocol_version: int
    model: str
    model_digest: str
    methods: dict[str, dict[str, Any]]
    explained: list[str]
    templates: list[str]
    data: dict[str, str]
    input_size: list[int]
    dtype: str

    def __post_init__(self) -> None:
        """Refuse what no run can be.

        Raises:
            BadInput: naming it.
        """
        check_methods(self.methods)
        if not self.explained:
            raise BadInput("explained is empty: a run explains target, predicted or both")
        if missing := [name for name in ("name", "path", "fingerprint") if name not in self.data]:
            raise BadInput(f"data has no {missing[0]}")
        if len(self.input_size) > 2 or min(self.input_size, default=1) < 1:
            raise BadInput(f"input_size={self.input_size} is neither height and width nor one length")


def check_methods(methods: Mapping[str, Any]) -> None:
    """Refuse a run without methods, and methods that are none.

    Raises:
        BadInput: naming the label.
    """
    if not methods:
        raise BadInput("methods is empty: a run has at least one")
    for label, one in methods.items():
        known = isinstance(one, dict) and isinstance(one.get("method"), str) and isinstance(one.get("options"), dict)
        if not known:
            raise BadInput(f"methods has {label!r} without the name and the options of a method")
