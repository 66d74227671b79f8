"""Files of weights, safetensors and pickled ones: damaged, with other heads, with code in them.

Wrong is: a model whose weights are not those that its file holds, read independently; a pickled file whose own
checksums say that it is damaged, and that is loaded; code that ran.
"""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch

import whylight
from fuzzing.damage import damaged
from fuzzing.model_folders import joined, made, parts, stored
from fuzzing.trial import Attempt, check

_PICKLED = {"openclip": "open_clip_pytorch_model.bin", "timm": "pytorch_model.bin"}
_PIXELS = torch.linspace(-1, 1, 3 * 32 * 32).reshape(1, 3, 32, 32)


def prepare(folder: Path) -> Attempt:
    folders = made(folder)
    weights = {family: next(place.glob("*.safetensors")) for family, place in folders.items()}
    contents = {family: file.read_bytes() for family, file in weights.items()}
    names = {family: _names(_load(family, place), contents[family]) for family, place in folders.items()}

    def attempt(random: Random, here: Path) -> str | None:
        family = random.choice(list(folders))
        place = here / "model"
        shutil.copytree(folders[family], place)
        file = place / weights[family].name
        if family in _PICKLED and random.random() < 0.4:
            file.unlink()
            file = place / _PICKLED[family]
            _pickled(file, contents[family], here / "ran", random)
        elif random.random() < 0.4:
            file.write_bytes(_with_another_head(contents[family], random))
        else:
            file.write_bytes(damaged(contents[family], random, list(contents.values())).data)
        try:
            view = _load(family, place)
        finally:
            check(not (here / "ran").exists(), "code in a file of weights was run")
        _check_weights(view, names[family], file)
        with torch.no_grad():
            finite = bool(view.output(_PIXELS).isfinite().all())
        target: Any = [0] if view.classifies else torch.ones(1, 16)
        relevance = whylight.relevance(view, _PIXELS, target)
        check(not finite or bool(relevance.isfinite().all()), "relevance is not finite, and the model's output is")
        return None

    return attempt


def _load(family: str, place: Path) -> whylight.View:
    return whylight.load(f"{family}:local-dir:{place}")


def _check_weights(view: whylight.View, names: dict[str, str], file: Path) -> None:
    data = file.read_bytes()
    if file.suffix == ".bin":
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
        check(broken is None, f"{broken} is damaged by its checksum, and was loaded")
        held = {name: value.numpy() for name, value in torch.load(file, weights_only=True).items()}
    else:
        try:
            held = stored(data)
        except Exception as error:
            check(False, f"a file was loaded that does not read by its layout: {error!r}")
            raise
    for name, own in view.module.state_dict().items():
        if name in names:
            there = np.asarray(held[names[name]], np.float32)
            check(there.shape == tuple(own.shape), f"{name} is {tuple(own.shape)} and {there.shape} in its file")
            check(np.array_equal(there, own.numpy(), equal_nan=True), f"{name} is not what its file holds")


def _names(view: whylight.View, data: bytes) -> dict[str, str]:
    """The model's name of each tensor to the file's, by what is in it."""
    held = {value.astype(np.float32).tobytes(): name for name, value in stored(data).items()}
    own = view.module.state_dict()
    found = {name: held[value.numpy().tobytes()] for name, value in own.items() if value.numpy().tobytes() in held}
    assert len(found) >= len(held)
    return found


def _with_another_head(data: bytes, random: Random) -> bytes:
    """A whole file that says something else: a type, a shape, a place, a name."""
    head, body = parts(data)
    name, other = random.sample([name for name in head if name != "__metadata__"], 2)
    how = random.choice(["type", "shape", "place", "gone", "renamed", "swapped", "overlap", "more", "nested"])
    if how == "type":
        head[name]["dtype"] = random.choice(["I32", "F16", "BF16", "F64", "U8", "X", 3, None])
    elif how == "shape":
        head[name]["shape"] = random.choice([head[name]["shape"][::-1], [], [-1], [2**40, 2**40], "x", None, [1.5]])
    elif how == "place":
        head[name]["data_offsets"] = random.choice([[0, 2**62], [-8, 8], [8, 0], [0], None, [0, len(body) + 64]])
    elif how == "gone":
        del head[name]
    elif how == "renamed":
        head[f"{name}_"] = head.pop(name)
    elif how in ("swapped", "overlap"):
        head[name]["data_offsets"] = head[other]["data_offsets"]
    elif how == "more":
        start = len(body)
        head["more"] = {"dtype": "F32", "shape": [4], "data_offsets": [start, start + 16]}
        body += bytes(16)
    else:
        head[name] = {"dtype": [head[other]]}
    return joined(head, body)


class _Code:
    """Something that runs code when it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self._mark),)


def _pickled(file: Path, data: bytes, mark: Path, random: Random) -> None:
    """The same weights as torch pickles them, damaged, or with something beside them."""
    weights: dict[str, Any] = {name: torch.from_numpy(value.copy()) for name, value in stored(data).items()}
    how = random.random()
    if how < 0.3:
        weights[random.choice(["code", "__code__", next(iter(weights))])] = _Code(mark)
    content = io.BytesIO()
    torch.save(weights, content, _use_new_zipfile_serialization=how > 0.15)
    file.write_bytes(content.getvalue() if how < 0.3 else damaged(content.getvalue(), random).data)
