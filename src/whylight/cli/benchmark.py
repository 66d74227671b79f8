"""``whylight benchmark``: a protocol over a data set, for one model and many methods."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from whylight.cli.progress import run_progress
from whylight.errors import BadInput, need_installed, visible

_EXPLAINED = ("target", "predicted", "both")


def benchmark(
    name: Annotated[str, typer.Argument(help="Which benchmark; `list` lists them.")],
    data: Annotated[Path | None, typer.Option(help="The data set's folder or file; scenes need none.")] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="scenes, scenes-siglip, openclip:NAME/TAG, timm:NAME, hf:ID; of answers scenes-answers.",
            show_default="the bundled one",
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option(help="Comma-separated, options after colons: legrad,legrad:start_layer=-2; or all.")
    ] = "legrad",
    out: Annotated[Path | None, typer.Option(help="Folder of the run. Default: results/NAME-MODEL.")] = None,
    explain: Annotated[str | None, typer.Option(help="target, predicted or both. Default: the protocol's.")] = None,
    template: Annotated[list[str] | None, typer.Option(help="Prompt with {} for the class name; may repeat.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")] = None,
    shard: Annotated[str, typer.Option(help="i/n: only every n-th shard from the i-th on (0-based).")] = "0/1",
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures in a shard: what a kill can lose.")] = 64,
    batch: Annotated[int, typer.Option(min=1, help="Pictures explained at once.")] = 16,
    engine: Annotated[str, typer.Option(help="local, torchrun (or Slurm) or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode pictures.")] = 0,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; default: one is started here.")] = None,
    actors: Annotated[int, typer.Option(min=1, help="Ray's processes that hold the model.")] = 1,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of each of them.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps.")] = None,
    precision: Annotated[str | None, typer.Option(help="float32, bfloat16, float16, float64.")] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Put published figures beside the measured ones.")] = False,
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

    console = Console()
    if name == "list":
        for line in listing():
            console.print(line, highlight=False, soft_wrap=True)
        return
    if explain is not None and explain not in _EXPLAINED:
        raise BadInput(f"--explain is one of {', '.join(_EXPLAINED)}, not {explain!r}")
    if engine not in ENGINES:
        raise BadInput(f"--engine is one of {', '.join(ENGINES)}, not {engine!r}")
    model = model or default_model(name)
    wanted = Wanted(
        benchmark=name,
        data=data,
        model=model,
        methods=methods,
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
        console.print(visible(f"left out: {label}: {reason}"), highlight=False)
    folder = out or Path("results") / f"{name}-{_file_name(model)}"
    with run_progress(console, name) as advanced:
        where = Engine(engine, workers, None, address, actors, gpus)
        execute(planned, folder, engine=where, part=Part.parse(shard), progress=advanced)
    summary = summarize(folder)
    published = figures_for(name, model) if compare else {}
    write_summary(summary, markdown(summary, published))
    console.print(terminal_table(summary, published, console.width))
    console.print(visible(f"rows, manifest and summary: {folder}"), highlight=False)


def _file_name(model: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in model.split("/")[-1] if c) or "model"
