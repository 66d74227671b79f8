"""``whylight benchmark``: a protocol over a data set, for one model and many methods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from whylight.cli.options import (
    Actors,
    Address,
    Batch,
    Device,
    EngineName,
    Gpus,
    Html,
    Methods,
    Precision,
    Workers,
    methods_of,
    obtainable,
    one_of,
)
from whylight.cli.printing import terminal
from whylight.cli.progress import run_progress
from whylight.errors import need_installed

_EXPLAINED = ("target", "predicted", "both")


def benchmark(
    name: Annotated[str, typer.Argument(help="Which benchmark; `list` lists them.")],
    data: Annotated[Path | None, typer.Option(help="The data set's folder or file; scenes need none.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="scenes, scenes-siglip, openclip:NAME/TAG, timm:NAME, hf:ID; of answers scenes-answers.",
            show_default="the bundled one",
            callback=obtainable,
        ),
    ] = None,
    methods: Methods = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. Default: results/NAME-MODEL.")] = None,
    explain: Annotated[str | None, typer.Option(help="target, predicted or both. Default: the protocol's.")] = None,
    template: Annotated[list[str] | None, typer.Option(help="Prompt with {} for the class name; may repeat.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")] = None,
    shard: Annotated[str, typer.Option(help="i/n: only every n-th shard from the i-th on (0-based).")] = "0/1",
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures in a shard: what a kill can lose.")] = 64,
    batch: Batch = 16,
    engine: EngineName = "local",
    workers: Workers = 0,
    address: Address = None,
    actors: Actors = 1,
    gpus: Gpus = 0,
    device: Device = None,
    precision: Precision = None,
    compare: Annotated[bool, typer.Option("--compare", help="Put published figures beside the measured ones.")] = False,
    html: Html = None,
) -> None:
    """Measure explanation methods. Stopped at any moment and started again, a run continues."""
    if name != "list":
        need_installed("pyarrow", extra="evaluation")  # before a model is loaded
    from whylight.evaluation.benchmarks.catalog import default_model, listing
    from whylight.evaluation.benchmarks.planning import plan
    from whylight.evaluation.benchmarks.wanted import Wanted
    from whylight.evaluation.published import figures_for
    from whylight.reports.summary import summarize, write_summary
    from whylight.reports.tables import markdown, terminal_table
    from whylight.runs.part import Part
    from whylight.runs.run import ENGINES, Engine, execute

    if name == "list":
        for line in listing():
            print(line)
        return
    one_of("--explain", explain, _EXPLAINED)
    one_of("--engine", engine, ENGINES)
    model = model or default_model(name)
    wanted = Wanted(
        benchmark=name,
        data=data,
        model=model,
        methods=methods_of(methods),
        explain=explain,
        templates=tuple(template or ()),
        limit=limit,
        shard_size=shard_size,
        batch_size=batch,
        device=device,
        precision=precision,
    )
    planned = replace(plan(wanted), remake=partial(plan, wanted))
    for label, reason in planned.left_out.items():
        print(f"left out: {label}: {reason}")
    folder = out or Path("results") / f"{name}-{_file_name(model)}"
    with run_progress(name) as advanced:
        where = Engine(engine, workers, None, address, actors, gpus)
        execute(planned, folder, engine=where, part=Part.parse(shard), progress=advanced)
    summary = summarize(folder)
    published = figures_for(name, model) if compare else {}
    write_summary(summary, markdown(summary, published))
    if html is not None:
        from whylight.reports.report import write_report_page

        write_report_page([summary], html, compare=compare)
    console = terminal()
    console.print(terminal_table(summary, published, console.width))
    print(f"rows, manifest and summary: {folder}")


def _file_name(model: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in model.split("/")[-1] if c) or "model"
