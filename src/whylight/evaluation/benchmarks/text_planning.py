"""A benchmark of words from what a person asks for to a run."""

from __future__ import annotations

from whylight.errors import BadInput
from whylight.evaluation.benchmarks.catalog import NamedText
from whylight.evaluation.benchmarks.planning import Wanted
from whylight.evaluation.benchmarks.rows import Skipped
from whylight.evaluation.benchmarks.settings import Settings
from whylight.evaluation.benchmarks.text_rows import TextRowMaker, read_review
from whylight.evaluation.data.movie_reviews import MovieReviews
from whylight.evaluation.explaining import HEAD, Choice, parse_methods, usable
from whylight.methods import methods as all_methods
from whylight.models.load import load
from whylight.models.weights import model_digest
from whylight.runs.machine import environment
from whylight.runs.run import Plan

_TRIED = 20
"""So many documents are looked at for one that methods can be tried on before the run starts."""


def plan_text(wanted: Wanted, named: NamedText, *, leave_out: bool, refused: dict[str, str]) -> Plan:
    """See :func:`whylight.evaluation.benchmarks.planning.plan`; of the
    baselines noise is left, as words have no centre.

    Raises:
        WhylightError: anything that would make the run fail later.
    """
    if wanted.data is None:
        raise BadInput(f"this benchmark needs --data PATH: {named.layout}")
    if wanted.explain not in (None, "target"):
        raise BadInput("rationales explains only: target")
    chosen = _chosen(wanted.methods)
    source = named.open(wanted.data)
    view = load(wanted.model, device=wanted.device, precision=wanted.precision)
    view.check_ready()
    maker = TextRowMaker(view, chosen)
    refused.update(_refused(maker, source))
    if refused and wanted.methods != "all" and not leave_out:
        label, reason = next(iter(refused.items()))
        raise BadInput(f"{label} cannot explain this model: {reason} (leave it out of --methods)")
    maker.choices = [choice for choice in maker.choices if choice.label not in refused]
    settings = Settings(
        benchmark=wanted.benchmark,
        protocol=maker.benchmark.protocol,
        protocol_version=maker.benchmark.version,
        model=wanted.model,
        model_digest=model_digest(view.module),
        methods={c.label: {"method": c.method, "options": c.options} for c in maker.choices},
        explained=["target"],
        templates=[],
        data={"name": source.name, "path": str(wanted.data), "fingerprint": source.fingerprint()},
        pictures=min(len(source), wanted.limit or len(source)),
        input_size=[maker.view.longest],
        shard_size=wanted.shard_size,
        batch_size=wanted.batch_size,
        dtype=str(view.parameter.dtype).removeprefix("torch."),
    )
    return Plan(settings, source, maker, environment(view.parameter.device))


def _chosen(methods: str) -> list[Choice]:
    chosen = parse_methods(",".join(all_methods()) if methods == "all" else methods)
    if any(HEAD in choice.options.values() for choice in chosen):
        raise BadInput("an option says `head`, but a classifier has no class embeddings")
    return [choice for choice in chosen if choice.method != "centre"]


def _refused(maker: TextRowMaker, source: MovieReviews) -> dict[str, str]:
    """Methods that this model cannot have, found out on the first document that can be used."""
    reason = "the data set is empty"
    for index in range(min(_TRIED, len(source))):
        review = read_review(source, index)
        if not isinstance(review, Skipped):
            read = maker.read([review])
            return usable(maker.view, maker.choices, read.inputs, read.classes[:, None])
        reason = review.reason
    raise BadInput(f"none of the first {min(_TRIED, len(source))} documents can be used, the last because {reason}")
