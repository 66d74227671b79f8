"""``whylight reproduce``: a published table, measured again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from whylight.cli.progress import run_progress
from whylight.errors import BadInput, need_installed

OURS = "ours"
"""What is no published table: all methods on all protocols."""


def reproduce(
    name: Annotated[str, typer.Argument(help="Which table; `list` lists them.")],
    data: Annotated[
        Path | None,
        typer.Option(help="The data set; without it, only what is needed is listed. Of `ours`: photographs, too."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the runs. Default: results/NAME.")] = None,
    model: Annotated[str | None, typer.Option(help="Only this model of the table.")] = None,
    weights: Annotated[list[str] | None, typer.Option(help="MODEL=OTHER: weights that lie elsewhere.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch weights that are not here.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures explained at once.")] = 16,
    workers: Annotated[int, typer.Option(min=0, help="Processes that decode pictures.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps.")] = None,
    page: Annotated[Path | None, typer.Option(help="Of `ours`: the page whose tables are written anew.")] = None,
) -> None:
    """List what a published table needs, run what is there, and say how far every cell is off."""
    if not download:
        # Read when the hub's library is imported, which happens below.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if data is not None or name == OURS:
        need_installed("pyarrow", extra="evaluation")
    from whylight.cli.reproduce_ours import reproduce_ours
    from whylight.evaluation.published import published_names, published_table
    from whylight.evaluation.reproducing import Reproduction, command, explained, needs
    from whylight.reports.outcomes import outcome_table, outcomes_of
    from whylight.runs.files import make_folder, write_file

    if name == OURS:
        if model is not None or weights:
            raise BadInput(f"{OURS} measures the bundled models: leave --model and --weights out")
        folder = out or Path("results") / OURS
        reproduce_ours(folder, photographs=data, page=page, limit=limit, batch=batch, device=device)
        return
    if page is not None:
        raise BadInput(f"--page is for `whylight reproduce {OURS}`")
    if name == "list":
        for each in published_names():
            table = published_table(each)
            print(f"{each}: {table.title} ({table.source})")
        print(f"{OURS}: all methods on all protocols, on the bundled models (measured here)")
        return
    table = published_table(name)
    if model is not None and model not in table.models():
        raise BadInput(f"{name} has no model {model!r}; it has: {', '.join(table.models())}")
    for line in needs(table):
        print(line)
    for each in table.models():
        print(f"command: {command(table, each, table.methods(each), explained(table))}")
    if data is None:
        print("nothing is run without --data")
    folder = out or Path("results") / name
    if data is not None:
        make_folder(folder)  # now, and not after the last run
    with run_progress(name) as advanced:
        reproduction = Reproduction(
            table,
            data,
            folder,
            places=_places(weights or []),
            limit=limit,
            batch_size=batch,
            workers=workers,
            device=device,
            only=model,
            note=print,
            progress=advanced,
        )
        outcomes = [one for each in table.models() for one in outcomes_of(table, each, reproduction.run(each))]
    text = outcome_table(table, outcomes)
    print(text)
    if data is not None:
        write_file(folder / "outcome.md", text)
        print(f"written: {folder / 'outcome.md'}")


def _places(given: list[str]) -> dict[str, str]:
    places = {}
    for text in given:
        model, equals, other = text.partition("=")
        if not equals:
            raise BadInput(f"--weights is MODEL=OTHER, not {text!r}")
        places[model] = other
    return places
