"""A run of maps from what a person asks for: inputs, model, questions, methods, settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from whylight.errors import BadInput, UnknownName, UnsupportedModel, WhylightError
from whylight.evaluation.baselines import BASELINES
from whylight.evaluation.method_choices import Choice, parse_methods
from whylight.evaluation.raw_maps import maps_of
from whylight.maps.asked import Asked
from whylight.maps.decoded import Decode, lost
from whylight.maps.inside import Inside
from whylight.maps.overlays import FOLDER as OVERLAYS
from whylight.maps.overlays import KINDS, write_overlays
from whylight.maps.rows import MapRows, count_failed
from whylight.maps.schema import COLUMNS
from whylight.maps.settings import MapSettings, Wanted
from whylight.methods import methods as all_methods
from whylight.models.digest import model_digest
from whylight.models.load import load
from whylight.pictures.asked_of_all import asked_of_all, check_asked
from whylight.pictures.prompts_and_classes import nothing_to_look_for
from whylight.runs.expected import LISTING
from whylight.runs.files import home_opened
from whylight.runs.folder import RunFolder
from whylight.runs.inputs.find import Layout, find_inputs
from whylight.runs.inputs.listing import STATUS, InputShards, failed_keys, listed
from whylight.runs.locks import ShardLocks
from whylight.runs.machine import environment
from whylight.runs.manifest import NAME as MANIFEST
from whylight.runs.manifest import claim
from whylight.runs.plan import Plan, Rows
from whylight.runs.store import FOLDER, read_shard, stored


def plan_maps(wanted: Wanted) -> Plan:
    """Look at the inputs, load the model, try the methods, and claim the folder.

    Raises:
        WhylightError: anything that would make the run fail later.
    """
    _check(wanted)
    inputs = find_inputs(wanted.pictures, _layout(wanted))
    maker, settings, left_out = _maker(wanted)
    folder = RunFolder(wanted.out)
    if wanted.on_existing != "resume" and folder.has(MANIFEST):
        _check_nobody_works_in(folder)
    if wanted.on_existing == "overwrite":
        _empty(folder)
    said = environment(maker.view.parameter.device)
    claim(folder, settings, said)
    shards = listed(folder, inputs, wanted.on_existing)
    there = stored(folder, STATUS) if wanted.retry_failed else None
    if there is not None:
        failed = failed_keys(there)
        shards = shards.retrying({number: keys for number, keys in failed.items() if number in shards.shards})
    return Plan(
        settings=settings,
        source=None,
        maker=maker,
        environment=said,
        left_out=left_out,
        shards=shards,
        lost=lost,
        failed=count_failed,
        finish=partial(_finish, folder, wanted.overlays, shards.only or {}),
        there=there,
        remake=partial(_remade, wanted, settings),
    )


def _check(wanted: Wanted) -> None:
    if wanted.prompts and wanted.prompts_from is not None:
        raise BadInput("prompts are the same for all pictures (-p) or each picture's own (--prompts-from), not both")
    check_asked(wanted.prompts, wanted.rather_than, wanted.like, wanted.patch, without=wanted.without)
    if wanted.like is not None and wanted.prompts_from is not None:
        raise BadInput("--like stands instead of prompts")
    if wanted.top is not None and (wanted.like is not None or wanted.rather_than is not None):
        raise BadInput("--top chooses among prompts or classes: not together with --like or --rather-than")
    if wanted.inside is not None and wanted.boxes is not None:
        raise BadInput("--inside names masks and --box-column boxes: one of them")
    if wanted.overlays is not None and wanted.overlays not in KINDS:
        raise BadInput(f"--overlays is one of {', '.join(KINDS)}, not {wanted.overlays!r}")
    if taken := [name for name in wanted.keep if name in COLUMNS or name == "relevance"]:
        raise BadInput(f"--keep {taken[0]}: rows have a column of that name already")


def _layout(wanted: Wanted) -> Layout:
    named = [name.partition(":")[0] for name in (wanted.prompts_from, wanted.boxes, *wanted.keep) if name]
    sidecars = tuple(dict.fromkeys(name if name in ("txt", "json") else "json" for name in named))
    return Layout(wanted.shard_size, wanted.picture, sidecars, but=wanted.out)


def _maker(wanted: Wanted) -> tuple[MapRows, MapSettings, dict[str, str]]:
    view = load(wanted.model, device=wanted.device, precision=wanted.model_precision)
    view.check_ready()
    if view.preprocessing is None:
        raise UnsupportedModel(f"{view.name} reads texts: runs are over pictures")
    top, own = wanted.top, wanted.prompts_from
    if wanted.without and view.classifies:
        raise BadInput(f"--without is for prompts, and {view.name} is a classifier: its targets are classes")
    same = asked_of_all(
        view,
        wanted.prompts,
        wanted.rather_than,
        wanted.like,
        wanted.patch,
        without=() if own is not None else wanted.without,
        size=wanted.size,
        fit=wanted.fit,
        value_range=wanted.value_range,
    )
    if same is None and own is None:
        if not view.classifies:
            raise nothing_to_look_for(view)
        top = top or 1
    asked = Asked(view, same, top, wanted.negative, wanted.without)
    named = parse_methods(",".join(all_methods()) if wanted.methods == "all" else wanted.methods)
    baselines = {name for name in wanted.methods.split(",") if name in BASELINES}
    tried = [choice for choice in named if choice.method not in BASELINES or choice.method in baselines]
    choices, left_out = _tried(wanted, asked, tried)
    inside = Inside(wanted.inside, wanted.boxes) if wanted.inside or wanted.boxes else None
    decode = Decode(
        view.preprocessing,
        wanted.size,
        wanted.fit,
        own,
        wanted.keep,
        inside,
        pictures=wanted.overlays is not None,
        large=wanted.large,
        value_range=wanted.value_range,
    )
    maker = MapRows(view, asked, choices, decode, stored=wanted.precision)
    return maker, _settings(wanted, asked, choices, top), left_out


def _tried(wanted: Wanted, asked: Asked, named: Sequence[Choice]) -> tuple[list[Choice], dict[str, str]]:
    """Methods that explain this model, and why the others do not."""
    view = asked.view
    preprocessing = view.preprocessing
    assert preprocessing is not None
    down, across = preprocessing.patch
    height, width = preprocessing.size
    grid = (height // down, width // across)
    pixels = view.place(torch.zeros(1, view.channels, height, width))
    assert isinstance(pixels, torch.Tensor)
    targets = asked.example(pixels)
    names = [[f"target {index}" for index in range(asked.targets or 1)]]
    kept, left_out = [], {}
    for choice in named:
        try:
            maps_of(choice, view, pixels, targets, grid, names)
        except UnknownName:
            raise
        except WhylightError as error:
            if wanted.methods != "all":
                raise BadInput(f"{choice.label} cannot explain this model: {error} (leave it out)") from None
            left_out[choice.label] = str(error)
        else:
            kept.append(choice)
    return kept, left_out


def _settings(wanted: Wanted, asked: Asked, choices: Sequence[Choice], top: int | None) -> MapSettings:
    view = asked.view
    return MapSettings(
        shard_size=wanted.shard_size,
        batch_size=wanted.batch_size,
        model=wanted.model,
        model_digest=model_digest(view),
        dtype=str(view.parameter.dtype).removeprefix("torch."),
        methods={c.label: {"method": c.method, "options": c.options} for c in choices},
        prompts=list(wanted.prompts) or None,
        prompts_from=wanted.prompts_from,
        top=top,
        size=list(wanted.size) if isinstance(wanted.size, tuple) else wanted.size,
        fit=wanted.fit,
        stored=wanted.precision,
        picture=wanted.picture,
        keep=list(wanted.keep),
        inside=wanted.inside,
        boxes=wanted.boxes,
        overlays=wanted.overlays,
        score_name=asked.score_name,
        rather_than=wanted.rather_than,
        without=list(wanted.without) or None,
        like=wanted.like,
        like_digest=None if wanted.like is None else _digest(wanted.like),
        patch=None if wanted.patch is None else list(wanted.patch),
        negative=wanted.negative,
        value_range=None if wanted.value_range is None else list(wanted.value_range),
    )


def _digest(path: str) -> str:
    return hashlib.sha256(home_opened(Path(path)).read_bytes()).hexdigest()


def _remade(wanted: Wanted, settings: MapSettings) -> Plan:
    """The model and what makes rows, in another process.

    Raises:
        WhylightError: the model there is another one.
    """
    maker, there, _ = _maker(wanted)
    if there != settings:
        raise WhylightError(f"{wanted.model} is another model in this process: {there} instead of {settings}")
    return Plan(there, None, maker, environment(maker.view.parameter.device))


def _check_nobody_works_in(folder: RunFolder) -> None:
    with ShardLocks(folder.local) as locks:
        if not locks.all_free():
            raise BadInput(f"another process is working on the run in {folder}: stop it, or wait for it")


def _empty(folder: RunFolder) -> None:
    """Remove a run, and nothing else."""
    if folder.names() and not folder.has(MANIFEST):
        raise BadInput(f"{folder} holds no run: nothing in it is overwritten")
    for name in (FOLDER, OVERLAYS, LISTING, MANIFEST):
        folder.remove(name)


def _finish(
    folder: RunFolder, overlays: str | None, retried: Mapping[int, frozenset[str]], shard: int, rows: Rows
) -> Rows:
    """Store a shard's overlays; what was stored of other pictures than those done again stays."""
    if overlays is not None:
        write_overlays(folder, overlays, shard, rows)
    if shard not in retried:
        return rows
    again = {row["key"] for row in rows} | retried[shard]
    return [row for row in read_shard(folder, shard).to_pylist() if row["key"] not in again] + rows


def retried(plan: Plan) -> frozenset[int]:
    """Shards that a plan to retry does again."""
    shards = plan.shards
    assert isinstance(shards, InputShards)
    return frozenset(shards.only or ())
