"""What a benchmark's run is, as its manifest holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
