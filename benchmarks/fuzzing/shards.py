"""Folders of runs whose shards, list of shards or manifest are damaged, copied, renamed or gone.

Wrong is: a stored map that comes back as another, a map that comes back twice, or one that is gone though nothing is
said.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

import whylight
from fuzzing.configurations import changed
from fuzzing.damage import damaged
from fuzzing.trial import Attempt, check
from whylight.maps.planning import plan_maps
from whylight.maps.settings import Wanted
from whylight.reports.map_run import load_run
from whylight.runs.run import execute
from whylight.scenes import draw_scene

_PICTURES, _SHARD = 5, 2
_SHARDS = -(-_PICTURES // _SHARD)

Maps = dict[tuple[str, str], torch.Tensor]


def prepare(folder: Path) -> Attempt:
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(_PICTURES):
        Image.fromarray(draw_scene(10**9 + number, 48).picture).save(pictures / f"{number}.png")
    runs = [_run(folder / kind, pictures, kind) for kind in ("float16", "float32")]
    whole = {run: _maps(run) for run in runs}
    assert all(len(maps) == 2 * _PICTURES for maps in whole.values())

    def attempt(random: Random, here: Path) -> str | None:
        run = random.choice(runs)
        place = here / "run"
        shutil.copytree(run, place)
        gone = _spoil(place, runs[0] if run is runs[1] else runs[1], random)
        if random.random() < 0.3:
            found = load_run(place)
            lengths = {len(column) for column in found.columns.values()}
            check(len(lengths) == 1, "columns of a run have different lengths")
            check(sum(found.statuses.values()) <= _PICTURES, f"{sum(found.statuses.values())} pictures of {_PICTURES}")
            return None
        _check(_maps(place), whole[run], gone)
        return None

    return attempt


def _run(folder: Path, pictures: Path, stored: str) -> Path:
    wanted = Wanted(
        pictures=(str(pictures),),
        out=str(folder),
        prompts=("a red star", "a ring"),
        methods="legrad,rollout",
        shard_size=_SHARD,
        precision=stored,  # type: ignore[arg-type]
    )
    execute(plan_maps(wanted), folder)
    return folder


def _maps(folder: Path) -> Maps:
    maps: Maps = {}
    for found in whylight.read_maps(folder, pictures=False):
        key = (Path(found.key).name, found.method)
        check(key not in maps, f"{key} comes back twice")
        maps[key] = found.relevance
    return maps


def _check(found: Maps, whole: Maps, gone: set[str]) -> None:
    missing = {name for name, _ in whole.keys() - found.keys()}
    check(missing <= gone, f"{sorted(missing - gone)} are gone, and nothing is said")
    for key, relevance in found.items():
        check(key in whole, f"{key} was never stored")
        same = relevance.shape == whole[key].shape and np.array_equal(relevance, whole[key], equal_nan=True)
        check(same, f"{key} comes back as another map")


def _spoil(place: Path, other: Path, random: Random) -> set[str]:
    """Do something to a run's files; returns the pictures whose shard is not there, as in a run that goes on."""
    number = random.randrange(_SHARDS)
    shard = place / "rows" / f"shard-{number:05d}.parquet"
    own = {f"{n}.png" for n in range(number * _SHARD, min((number + 1) * _SHARD, _PICTURES))}
    how = random.random()
    if how < 0.6:
        data = damaged(shard.read_bytes(), random, [(other / "rows" / shard.name).read_bytes()]).data
        shard.write_bytes(data)
    elif how < 0.65:
        shard.unlink()
        return own
    elif how < 0.7:  # under another number: too high, or in another's place
        target = random.choice([_SHARDS, 99_999, 123_456, (number + 1) % _SHARDS])
        shutil.copy(shard, shard.with_name(f"shard-{target:05d}.parquet"))
    elif how < 0.75:  # of a run with the same pictures and another precision
        shutil.copy(other / "rows" / shard.name, shard)
    elif how < 0.8:
        random.choice([place / "manifest.json", place / "shards.json"]).unlink()
    else:
        file = random.choice([place / "manifest.json", place / "shards.json"])
        if random.random() < 0.5:
            file.write_bytes(damaged(file.read_bytes(), random).data)
        else:
            file.write_text(json.dumps(changed(json.loads(file.read_text()), random)))
    return set()
