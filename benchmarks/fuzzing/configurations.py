"""Configurations of model folders: values of other types and sizes, keys that are gone, JSON that is none.

Wrong is: a model that gives another answer when it is loaded again (some of its weights are random numbers); code of
the folder that ran; pictures prepared with other numbers than the configuration says; relevance that is not finite
though the model's output is.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch

import whylight
from fuzzing.damage import damaged
from fuzzing.drawn import drawn, json_like
from fuzzing.model_folders import made
from fuzzing.trial import Attempt, check

_FILES = {
    "openclip": ["open_clip_config.json"],
    "timm": ["config.json"],
    "hf": ["config.json", "preprocessor_config.json"],
}
_CODE = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"
_LARGEST = 2**16
"""Numbers beyond that are left out of configurations: a model of any size may be asked for, and memory ends."""


def prepare(folder: Path) -> Attempt:
    folders = made(folder)

    def attempt(random: Random, here: Path) -> str | None:
        family = random.choice(list(folders))
        place = here / "model"
        shutil.copytree(folders[family], place)
        file = place / random.choice(_FILES[family])
        if random.random() < 0.2:
            file.write_bytes(damaged(file.read_bytes(), random).data)
        else:
            file.write_text(json.dumps(changed(json.loads(file.read_text()), random)))
        (place / "own.py").write_text(_CODE)
        try:
            first, said = _answer(family, place, 1)
        finally:
            check(not (place / "ran").exists(), "code in a model's folder was run")
        again, _ = _answer(family, place, 2)
        check(torch.equal(first, again), "it gives another answer when it is loaded again")
        return said

    return attempt


def _answer(family: str, place: Path, seed: int) -> tuple[torch.Tensor, str | None]:
    torch.manual_seed(seed)
    view = whylight.load(f"{family}:local-dir:{place}")
    preprocessing = view.preprocessing
    assert preprocessing is not None
    if family == "hf":
        _check_numbers(place, preprocessing)
    rows, columns = preprocessing.size
    if rows * columns > 512 * 512:
        return torch.zeros(1), "its pictures are too large to try"
    pixels = torch.linspace(-1, 1, view.channels * rows * columns).reshape(1, view.channels, rows, columns)
    with torch.no_grad():
        output = view.output(pixels)
    target: Any = [0] if view.classifies else torch.ones(1, output.shape[-1])
    relevance = whylight.relevance(view, pixels, target)
    finite = bool(output.isfinite().all())
    check(not finite or bool(relevance.isfinite().all()), "relevance is not finite, and the output is")
    return torch.nan_to_num(relevance), None if finite else "its output is not finite"


def _check_numbers(place: Path, preprocessing: Any) -> None:
    """What the image processor's file says is what pictures are prepared with."""
    try:
        told = json.loads((place / "preprocessor_config.json").read_text())
    except ValueError as error:
        check(False, f"the image processor's file is no JSON ({error}), and pictures are prepared as usual")
        raise
    check(isinstance(told, dict), "the image processor's file is no object, and pictures are prepared as usual")
    if told.get("do_normalize") is True:
        factor = told.get("rescale_factor", 1 / 255) if told.get("do_rescale", True) else 1
        for name, own in (("image_mean", preprocessing.mean), ("image_std", preprocessing.std)):
            if isinstance(told.get(name), list):
                expected = [value / (255 * factor) for value in told[name]]  # ours are of values from 0 to 1
                near = len(own) == len(expected) and all(map(math.isclose, own, expected))
                check(near, f"{name} is {expected} by its file and {own} in use")


def changed(tree: Any, random: Random) -> Any:
    """A structure of JSON in which something is another value, gone, or called otherwise."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        spots = list(_spots(tree))
        if not spots:
            return drawn(json_like, random)
        holder, key = random.choice(spots)
        how = random.choice([_replaced, _replaced, _near, _removed, _renamed, _code])
        how(holder, key, random)
    return tree


def _spots(tree: Any) -> list[tuple[Any, Any]]:
    """Every place of a structure as (what holds it, key)."""
    inside: list[tuple[Any, Any]] = []
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        inside.append((tree, key))
        if isinstance(value, (dict, list)):
            inside += _spots(value)
    return inside


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_LARGEST, min(_LARGEST, value))
    return value


def _replaced(holder: Any, key: Any, random: Random) -> None:
    holder[key] = _bounded(drawn(json_like, random))


def _near(holder: Any, key: Any, random: Random) -> None:
    """A value of the same type that is another."""
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, (int, float)):
        changes: list[Callable[[Any], Any]] = [lambda v: v + 1, lambda v: -v, lambda v: v * 2, lambda v: v / 2, str]
        holder[key] = _bounded(random.choice(changes)(value))
    elif isinstance(value, str):
        holder[key] = random.choice([value.upper(), value[:-1], f"{value} ", [value], "", None])
    else:
        holder[key] = random.choice([None, [], {}, [value], 0, "", False])


def _removed(holder: Any, key: Any, random: Random) -> None:
    del holder[key]


def _renamed(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder, dict):
        holder[f"{key}_"] = holder.pop(key)


def _code(holder: Any, key: Any, random: Random) -> None:
    """A class out of the folder's own code."""
    if isinstance(holder, dict):
        holder["auto_map"] = {"AutoConfig": "own.Own", "AutoModel": "own.Own", "AutoImageProcessor": "own.Own"}
