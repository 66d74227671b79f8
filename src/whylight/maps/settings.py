"""What a run of maps was asked for, and what its rows depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from whylight.evaluation.benchmarks.settings import check_methods
from whylight.maps.schema import Stored
from whylight.models.preprocessing import Fit
from whylight.models.scores import ScoreName
from whylight.pictures.look import InputSize
from whylight.runs.inputs.listing import OnExisting
from whylight.runs.manifest import RunSettings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for; see ``whylight run --help``."""

    pictures: tuple[str, ...]
    out: str
    prompts: tuple[str, ...] = ()
    prompts_from: str | None = None
    rather_than: str | None = None
    without: tuple[str, ...] = ()
    like: str | None = None
    patch: tuple[int, int] | None = None
    negative: bool = False
    value_range: tuple[float, float] | None = None
    top: int | None = None
    model: str = "scenes"
    methods: str = "legrad"
    size: InputSize | None = None
    fit: Fit | None = None
    large: bool = False
    precision: Stored = "float16"
    model_precision: str | None = None
    device: str | None = None
    picture: str | None = None
    shard_size: int = 256
    batch_size: int = 8
    keep: tuple[str, ...] = ()
    inside: str | None = None
    boxes: str | None = None
    overlays: str | None = None
    on_existing: OnExisting = "resume"
    retry_failed: bool = False


@dataclass(frozen=True, kw_only=True)
class MapSettings(RunSettings):
    """Everything that a row depends on but the pictures, which ``shards.json`` lists.

    Attributes:
        kind: "maps"; tells this folder from a benchmark's.
        methods: label to method and options.
        prompts: asked of every picture; None where each has its own or the model's classes are meant.
        rather_than: the prompt that all others are told apart from.
        without: prompts of which all others are cleaned.
        like, like_digest, patch: the picture, what it holds, and the patch of it, that pictures may be like.
        negative: what speaks against the targets is explained.
        score_name: "cosine", "probability", "value" or "difference".
    """

    kind: str = "maps"
    model: str
    model_digest: str
    dtype: str
    methods: dict[str, Any]
    prompts: list[str] | None
    prompts_from: str | None
    top: int | None
    size: int | list[int] | None
    fit: str | None
    stored: str
    picture: str | None
    keep: list[str]
    inside: str | None
    boxes: str | None
    overlays: str | None
    score_name: ScoreName
    rather_than: str | None = None
    without: list[str] | None = None
    like: str | None = None
    like_digest: str | None = None
    patch: list[int] | None = None
    negative: bool = False
    value_range: list[float] | None = None

    def __post_init__(self) -> None:
        check_methods(self.methods)
