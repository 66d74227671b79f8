"""A benchmark from what a person asks for to a run: model, data, methods, settings."""

from __future__ import annotations

from typing import Any

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.answer_planning import plan_answers
from whylight.evaluation.benchmarks.benchmark import Explained, Protocol
from whylight.evaluation.benchmarks.catalog import NamedAnswers, NamedText, find_benchmark
from whylight.evaluation.benchmarks.picture_planning import plan_pictures
from whylight.evaluation.benchmarks.rows import RowMaker, Skipped
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.benchmarks.text_planning import plan_texts
from whylight.evaluation.benchmarks.wanted import Wanted
from whylight.evaluation.data.data_set import DataSet
from whylight.evaluation.method_choices import Choice, parse_methods, refused
from whylight.methods import methods as all_methods
from whylight.models.digest import model_digest
from whylight.models.load import load
from whylight.runs.machine import environment
from whylight.runs.manifest import refuse_too_many
from whylight.runs.plan import Plan

_TRIED = 20
"""So many pictures or texts are looked at for one that methods can be tried on before the run starts."""


def plan(wanted: Wanted) -> Plan:
    """Load the model, open the data, choose and try the methods.

    Raises:
        WhylightError: anything that would make the run fail later.
    """
    named = find_benchmark(wanted.benchmark)
    refuse_too_many("--limit", wanted.limit or 0)
    if wanted.data is None and named.needs_data:
        raise BadInput(f"this benchmark needs --data PATH: {named.layout}")
    if isinstance(named, NamedAnswers):
        source_, maker_, chosen = plan_answers(wanted, named)
        settings = _settings(wanted, chosen, source_, maker_)
        return Plan(settings, source_, maker_, environment(maker_.view.parameter.device))
    chosen = parse_methods(",".join(all_methods()) if wanted.methods == "all" else wanted.methods)
    view = load(wanted.model, device=wanted.device, precision=wanted.precision)
    view.check_ready()
    explained = _explained(wanted.explain, named.protocol(), classifies=view.classifies)
    source: DataSet[Any]
    maker: RowMaker[Any]
    if isinstance(named, NamedText):
        source, maker = plan_texts(wanted, named, view, chosen)
    else:
        source, maker = plan_pictures(wanted, named, view, chosen, explained)
    left_out = _refused(maker, source)
    if left_out and wanted.methods != "all" and not wanted.leave_out:
        label, reason = next(iter(left_out.items()))
        raise BadInput(f"{label} cannot explain this model: {reason} (leave it out of --methods)")
    maker.choices = [choice for choice in maker.choices if choice.label not in left_out]
    settings = _settings(wanted, chosen, source, maker)
    return Plan(settings, source, maker, environment(view.parameter.device), left_out)


def _explained(asked: str | None, benchmark: Protocol, *, classifies: bool) -> tuple[Explained, ...]:
    """What is explained by default: all that the protocol has; segmentation and pointing as their papers do it, the
    prediction for classifiers and the prompt for dual encoders."""
    if asked is None:
        if len(benchmark.explains) == 1 or benchmark.needs_class:
            return benchmark.explains
        return ("predicted",) if classifies else ("target",)
    which: tuple[Explained, ...] = ("target", "predicted") if asked == "both" else (asked,)  # type: ignore[assignment]
    for one in which:
        if one not in benchmark.explains:
            raise BadInput(f"{benchmark.protocol} explains only: {', '.join(benchmark.explains)}")
    return which


def _refused(maker: RowMaker[Any], source: DataSet[Any]) -> dict[str, str]:
    """Methods that this model cannot have, and why, found out on the first picture or text that can be used."""
    read, reason = maker.reader(source), "the data set is empty"
    for index in range(min(_TRIED, len(source))):
        item = maker.checked(read(index))
        if not isinstance(item, Skipped):
            return refused(maker.view, maker.choices, *maker.question(item))
        reason = item.reason
    what = f"the first {min(_TRIED, len(source))} {maker.benchmark.measured_on}"
    raise BadInput(f"none of {what} can be used, the last because {reason}")


def _settings(wanted: Wanted, chosen: list[Choice], source: DataSet[Any], maker: RowMaker[Any]) -> Settings:
    kept = {choice.label for choice in maker.choices}
    return Settings(
        benchmark=wanted.benchmark,
        protocol=maker.benchmark.protocol,
        protocol_version=maker.benchmark.version,
        model=wanted.model,
        model_digest=model_digest(maker.view),
        methods={c.label: {"method": c.method, "options": c.options} for c in chosen if c.label in kept},
        explained=list(maker.explained),
        templates=list(maker.templates),
        data={"name": source.name, "path": str(wanted.data or ""), "fingerprint": source.fingerprint()},
        pictures=min(len(source), wanted.limit or len(source)),
        input_size=list(maker.input_size),
        shard_size=wanted.shard_size,
        batch_size=wanted.batch_size,
        dtype=str(maker.view.parameter.dtype).removeprefix("torch."),
    )
