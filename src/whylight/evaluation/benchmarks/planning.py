"""A benchmark from what a person asks for to a run: model, data, head, methods, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.benchmark import Benchmark, Explained
from whylight.evaluation.benchmarks.catalog import NamedText, find_benchmark
from whylight.evaluation.benchmarks.picture_rows import Prepared, RowMaker, input_of, prepare
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.data.data_set import Source
from whylight.evaluation.explaining import Choice, parse_methods, usable, with_head
from whylight.evaluation.heads import Head
from whylight.methods import methods as all_methods
from whylight.models.load import load
from whylight.models.view import View
from whylight.models.weights import model_digest
from whylight.runs.machine import environment
from whylight.runs.run import Plan

_TRIED = 20
"""So many pictures are looked at for one that methods can be tried on before the run starts."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for; see ``whylight benchmark --help``."""

    benchmark: str
    data: Path | None
    model: str
    methods: str
    explain: str | None = None
    templates: tuple[str, ...] = ()
    limit: int | None = None
    shard_size: int = 64
    batch_size: int = 16
    device: str | None = None
    precision: str | None = None


def plan(wanted: Wanted, *, leave_out: bool = False, refused: dict[str, str] | None = None) -> Plan:
    """Load the model, open the data, choose and try the methods.

    Args:
        leave_out: methods that cannot explain the model are left out (always so with "all"), instead of an error.
        refused: filled with their labels and the reasons.

    Raises:
        WhylightError: anything that would make the run fail later.
    """
    named = find_benchmark(wanted.benchmark)
    refused = {} if refused is None else refused
    if isinstance(named, NamedText):
        from whylight.evaluation.benchmarks.text_planning import plan_text

        return plan_text(wanted, named, leave_out=leave_out, refused=refused)
    chosen = parse_methods(",".join(all_methods()) if wanted.methods == "all" else wanted.methods)
    view = load(wanted.model, device=wanted.device, precision=wanted.precision)
    view.check_ready()
    benchmark = named.protocol()
    size = input_of(view).size
    source = named.open(wanted.data, wanted.limit, size)
    explained = _explained(wanted.explain, benchmark, view, source)
    templates = wanted.templates or (source.template or named.template,)
    head = Head(view, source.classes, templates)
    maker = RowMaker(view, head, benchmark, with_head(chosen, head), explained)
    refused.update(_refused(maker, source))
    if refused and wanted.methods != "all" and not leave_out:
        label, reason = next(iter(refused.items()))
        raise BadInput(f"{label} cannot explain this model: {reason} (leave it out of --methods)")
    maker.choices = [choice for choice in maker.choices if choice.label not in refused]
    settings = _settings(wanted, view, benchmark, source, explained, templates, size, chosen, refused)
    return Plan(settings, source, maker, environment(view.parameter.device))


def _explained(asked: str | None, benchmark: Benchmark, view: View, source: Source) -> tuple[Explained, ...]:
    """What is explained by default: all that the protocol has; segmentation and pointing as their papers do it, the
    prediction for classifiers and the prompt for dual encoders."""
    if asked is None:
        if len(benchmark.explains) == 1 or benchmark.needs_class:
            return benchmark.explains
        return ("predicted",) if view.classifies else ("target",)
    which: tuple[Explained, ...] = ("target", "predicted") if asked == "both" else (asked,)  # type: ignore[assignment]
    for one in which:
        if one not in benchmark.explains:
            raise BadInput(f"{benchmark.protocol} explains only: {', '.join(benchmark.explains)}")
    return which


def _refused(maker: RowMaker, source: Source) -> dict[str, str]:
    """Methods that this model cannot have, found out on the first picture that can be used."""
    reason = "the data set is empty"
    for index in range(min(_TRIED, len(source))):
        picture = prepare(source, index, maker.benchmark, maker.preprocessing)
        if isinstance(picture, Prepared) and maker.refusal(picture) is None:
            labels = maker.wanted(picture)
            return usable(maker.view, maker.choices, maker.place([picture]), maker.head.targets([labels]))
        reason = maker.refusal(picture) if isinstance(picture, Prepared) else picture.reason  # type: ignore[assignment]
    raise BadInput(f"none of the first {min(_TRIED, len(source))} pictures can be used, the last because {reason}")


def _settings(
    wanted: Wanted,
    view: View,
    benchmark: Benchmark,
    source: Source,
    explained: Sequence[Explained],
    templates: Sequence[str],
    size: tuple[int, int],
    chosen: Sequence[Choice],
    refused: dict[str, str],
) -> Settings:
    pictures = min(len(source), wanted.limit or len(source))
    return Settings(
        benchmark=wanted.benchmark,
        protocol=benchmark.protocol,
        protocol_version=benchmark.version,
        model=wanted.model,
        model_digest=model_digest(view.module),
        methods={c.label: {"method": c.method, "options": c.options} for c in chosen if c.label not in refused},
        explained=list(explained),
        templates=[] if view.classifies else list(templates),
        data={"name": source.name, "path": str(wanted.data or ""), "fingerprint": source.fingerprint()},
        pictures=pictures,
        input_size=list(size),
        shard_size=wanted.shard_size,
        batch_size=wanted.batch_size,
        dtype=str(view.parameter.dtype).removeprefix("torch."),
    )
