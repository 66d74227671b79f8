"""``whylight run``: maps of many pictures."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from whylight.cli.options import (
    Actors,
    Address,
    Batch,
    Device,
    EngineName,
    Gpus,
    Large,
    Like,
    Methods,
    Model,
    Negative,
    Patch,
    Prompts,
    RatherThan,
    Size,
    ValueRange,
    Without,
    Workers,
    methods_of,
    one_of,
)
from whylight.cli.printing import print_note
from whylight.cli.sources import parse_patch, parse_size
from whylight.errors import WhylightError, need_installed


def run(
    pictures: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, lists, tables, tars, data sets; {000..999} is expanded.")
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder of the run, or its URL.")],
    prompt: Prompts = None,
    prompts_from: Annotated[
        str | None,
        typer.Option("--prompts-from", "--prompt-column", help="A column, txt or json:NAME: prompts of each."),
    ] = None,
    rather_than: RatherThan = None,
    without: Without = None,
    like: Like = None,
    patch: Patch = None,
    negative: Negative = False,
    top: Annotated[int | None, typer.Option(min=1, help="Explain only the so many likeliest of all.")] = None,
    model: Model = "scenes",
    methods: Methods = None,
    size: Size = None,
    large: Large = False,
    value_range: ValueRange = None,
    fit: Annotated[str | None, typer.Option(help="crop, squash or pad.", show_default="the model's own")] = None,
    picture_column: Annotated[
        str | None, typer.Option(help="A table's column, or the ending of a tar's members, that holds the picture.")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column that rows keep, for --group-by; may repeat.")] = None,
    inside: Annotated[str | None, typer.Option(help="Folder of masks: how much relevance lies inside them.")] = None,
    box_column: Annotated[str | None, typer.Option(help="The same with boxes [left, top, right, bottom].")] = None,
    overlays: Annotated[str | None, typer.Option(help="tar or png: the pictures under their maps, too.")] = None,
    precision: Annotated[str, typer.Option(help="Of stored relevance: float16 or float32.")] = "float16",
    model_precision: Annotated[str | None, typer.Option(help="float32, bfloat16, float16.")] = None,
    device: Device = None,
    batch: Batch = 8,
    shard_size: Annotated[int, typer.Option(min=1, help="Pictures stored at once, where inputs have no shards.")] = 256,
    engine: EngineName = "local",
    workers: Workers = 0,
    address: Address = None,
    actors: Actors = 1,
    gpus: Gpus = 0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds after which a picture that hangs is given up.")] = 120,
    on_existing: Annotated[str, typer.Option(help="resume, extend or overwrite the run that is there.")] = "resume",
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do only pictures that failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for every event.")] = False,
) -> None:
    """Explain a folder, a table, a crawl. Stopped at any moment and started again, a run continues."""
    need_installed("pyarrow", extra="run")  # before a model is loaded
    if engine == "ray":
        need_installed("ray", extra="ray")
    from whylight.runs.run import ENGINES, Engine, execute

    one_of("--engine", engine, ENGINES)
    one_of("--on-existing", on_existing, ("resume", "extend", "overwrite"))
    one_of("--precision", precision, ("float16", "float32"))
    one_of("--fit", fit, ("crop", "squash", "pad"))
    from whylight.cli.run_progress import told
    from whylight.maps.planning import plan_maps, retried
    from whylight.maps.settings import Wanted
    from whylight.runs.engines.torchrun import local_device
    from whylight.runs.store import stored

    wanted = Wanted(
        pictures=tuple(pictures),
        out=out,
        prompts=tuple(prompt or ()),
        prompts_from=prompts_from,
        rather_than=rather_than,
        without=tuple(without or ()),
        like=like,
        patch=parse_patch(patch),
        negative=negative,
        value_range=value_range,
        top=top,
        model=model,
        methods=methods_of(methods),
        size=parse_size(size),
        fit=cast(Any, fit),
        large=large,
        precision=cast(Any, precision),
        model_precision=model_precision,
        device=local_device(device) if engine == "torchrun" else device,
        picture=picture_column,
        shard_size=shard_size,
        batch_size=batch,
        keep=tuple(keep or ()),
        inside=inside,
        boxes=box_column,
        overlays=overlays,
        on_existing=cast(Any, on_existing),
        retry_failed=retry_failed,
    )
    plan = plan_maps(wanted)
    for label, reason in plan.left_out.items():
        print_note(f"left out: {label}: {reason}")
    again = retried(plan) if retry_failed else frozenset()
    where = Engine(engine, workers, timeout, address, actors, gpus)
    there = plan.there or stored(out)
    with told(plan, out, there.finished, again=again, as_json=as_json) as progress:
        if retry_failed and not again:
            return
        unread = execute(plan, out, engine=where, again=again, there=there, progress=progress)
    if unread:
        number, reason = next(iter(unread.items()))
        raise WhylightError(
            f"{len(unread)} shards could not be read to their end and are not stored (shard {number}: {reason}): "
            "start the same command again"
        )
