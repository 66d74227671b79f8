"""Values of options: of every method, and of the command line, of other types, sizes and spellings.

Wrong is: relevance that is not finite, of another shape than one value for each target and patch, or that depends on
an option that was given its default; a command that prints control characters, a traceback, or succeeds without a
result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image

import whylight
from fuzzing.drawn import drawn, json_like, numbers, texts
from fuzzing.names import check_printed, run
from fuzzing.trial import Attempt, check
from whylight.methods import find_method
from whylight.scenes import draw_scene

_VALUES = st.one_of(
    st.sampled_from([-1, -2, 0, 1, 2, 3, 99, True, False, None, "", "cosine", "dot", "x", 0.5, 1.0, 10**30, b"x"]),
    st.sampled_from([[0], [-1, 99], (0, 1), {}, [[]], np.int64(1), np.float32(0.5), np.array([1]), torch.tensor(1)]),
    st.sampled_from([float("nan"), float("inf"), object]),
    numbers,
    json_like,
)
_OF_TYPE: dict[Any, list[Any]] = {
    bool: [True, False],
    int: [-99, -7, -6, -3, -2, -1, 0, 1, 2, 3, 5, 6, 7, 64, 99],
    float: [-1.0, 0.0, 1e-9, 0.5, 1.0, 2, 1e9, float("inf"), float("nan")],
    type(None): [None],
}
_MOST = 64
"""Numbers of steps beyond that only take their time: each is a way through the model and back."""
_WORDS = st.one_of(
    st.sampled_from(["-1", "0", "1", "96", "48", "7", "1e3", "96x48", "0x0", "x", "96x", "10000000000000", "", "nan"]),
    st.sampled_from(
        ["cpu", "cuda", "cuda:99", "meta", "float16", "float8", "legrad", "legrd", "rollout", "scenes", "hf:"]
    ),
    texts.filter(lambda text: "\0" not in text),
)
_OPTIONS = (
    "--size",
    "--method",
    "--precision",
    "--device",
    "--start-layer",
    "--model",
    "--text",
    "--prompt",
    "--nonsense",
)


def prepare(folder: Path) -> Attempt:
    view = whylight.load("scenes")
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, 3, 32, 32, generator=generator)
    with torch.no_grad():
        targets = torch.randn(2, view.output(pixels).shape[-1], generator=generator)
    patches = (32 // view.preprocessing.patch[0]) ** 2  # type: ignore[union-attr]
    plain = {}
    for name in whylight.methods():
        try:
            plain[name] = whylight.relevance(view, pixels, targets, name)
        except whylight.WhylightError:
            continue  # not for dual encoders
    Image.fromarray(draw_scene(10**9, 48).picture).save(folder / "a.png")

    def attempt(random: Random, here: Path) -> str | None:
        if random.random() < 0.25:
            return _commanded(random, folder / "a.png", here)
        name = random.choice(list(plain))
        known = find_method(name).options
        options = {}
        for _ in range(random.choice([1, 1, 2])):
            option = random.choice([*known, "nonsense"]) if random.random() < 0.95 else drawn(texts, random)
            hint = get_type_hints(find_method(name).explain).get(option, bool)
            value = random.choice([known.get(option), *[_fitting(hint, random)] * 6, *[drawn(_VALUES, random)] * 3])
            if option == "steps" and isinstance(value, int) and value > _MOST and random.random() < 0.95:
                value = _MOST
            options[option] = value
        found = whylight.relevance(view, pixels, targets, name, **options)
        check(bool(torch.isfinite(found).all()), f"{name} {options} gives what is not finite")
        shape = tuple(found.shape)
        check(shape in ((1, 2, patches), (1, 2, 32, 32)), f"{name} {options} gives {shape}")
        if all(option in known and _same(value, known[option]) for option, value in options.items()):
            check(torch.equal(found, plain[name]), f"{name} {options} is its default, and gives another map")
        return None

    return attempt


def _fitting(hint: Any, random: Random) -> Any:
    """A value of the type that an option is said to have, if not always one that means something."""
    inside = get_args(hint)
    if get_origin(hint) is Literal:
        return random.choice(inside)
    if hint in (bool, int, float, type(None)):
        return random.choice(_OF_TYPE[hint])
    if get_origin(hint) in (Union, UnionType):
        return _fitting(random.choice(inside), random)
    if get_origin(hint) in (list, tuple, Sequence):
        parts = [_fitting(inside[0], random) for _ in range(random.randrange(4))]
        return tuple(parts) if get_origin(hint) is tuple else parts
    return random.choice(["cosine", "dot", "x"])


def _same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def _commanded(random: Random, picture: Path, here: Path) -> str | None:
    """`whylight explain` with an option or two, `list` and `report` with words."""
    words = [option for _ in range(random.choice([1, 1, 2])) for option in _option(random)]
    command = ["explain", str(picture), "--json", "--out", str(here / "out"), *words]
    if "--prompt" not in words:
        command += ["--prompt", "a ring"]
    status, out, err = run(command)
    said = check_printed("", err)
    check(status in (0, 1, 2), f"{words}: exit {status}")
    if status == 0:
        told = json.loads(out)
        check(bool(told.get("pictures") or told.get("texts")), f"{words} succeeds without a result")
        return None
    check(said is not None, f"{words}: exit {status}, and nothing is said")
    return said


def _option(random: Random) -> list[str]:
    option, word = random.choice(_OPTIONS), drawn(_WORDS, random)
    return [f"{option}={word}"] if random.random() < 0.5 else [option, word]
