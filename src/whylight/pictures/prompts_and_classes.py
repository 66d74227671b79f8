"""Prompts, class names, class indices, embeddings and what is made of them, as targets with names for people."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from whylight.errors import BadInput, UnknownName, WhylightWarning
from whylight.models.inputs import check_text
from whylight.models.scores import check_rows
from whylight.models.targets import Difference, Negative, Own, TargetsLike, as_values
from whylight.models.targets.given import are_functions, listed
from whylight.models.targets.own import name_of
from whylight.models.view import View
from whylight.pictures.phrases import Phrases


@dataclass(frozen=True)
class NamedTargets:
    """What is explained, and what to call it.

    Attributes:
        values: what methods take: (targets, dim) floating embeddings, (targets,) int64 class indices, differences of
            these, functions, or the negative of any of them.
        names: one for each.
        phrases: the parts of each prompt, where it is asked what each of them adds.
    """

    values: TargetsLike
    names: tuple[str, ...]
    phrases: tuple[Phrases, ...] = ()

    def against(self) -> NamedTargets:
        """What speaks against them."""
        return NamedTargets(Negative(self.values), tuple(f"against {name}" for name in self.names))


ExplainTargets = (
    str
    | int
    | Sequence[str]
    | Sequence[int]
    | npt.NDArray[Any]
    | Tensor
    | Difference
    | Sequence[Difference]
    | Own
    | Sequence[Own]
    | NamedTargets
)
"""Prompts or class names, class indices, embeddings (targets, dim), differences of two of these, or functions."""


Encode = Callable[[Sequence[str]], Tensor]
"""Prompts to embeddings (prompts, dim)."""


def name_targets(view: View, targets: ExplainTargets, encode: Encode | None = None) -> NamedTargets:
    """Targets in any of the accepted forms, encoded once, with their names.

    Args:
        targets: prompts of a dual encoder; class names or indices of a classifier; embeddings (targets, dim);
            differences of two of these; or functions of the output.
        encode: what encodes prompts; default: the view.

    Raises:
        UnknownName: no such class, with near misses.
        BadInput: nothing named, or something of the wrong kind for the model.
    """
    if isinstance(targets, NamedTargets):
        return targets
    if isinstance(targets, Mapping):
        raise BadInput("targets are a list, not a mapping: name the values alone")
    targets = listed(targets)
    if isinstance(targets, Difference):
        this, that = name_targets(view, targets.this, encode), name_targets(view, targets.that, encode)
        if len(this.names) != len(that.names):
            raise BadInput(
                f"a difference is of as many targets on both sides, not {len(this.names)}, {len(that.names)}"
            )
        names = zip(this.names, that.names, strict=True)
        return NamedTargets(Difference(this.values, that.values), tuple(f"{a} rather than {b}" for a, b in names))
    if are_functions(targets):
        return NamedTargets(targets, tuple(name_of(function, index) for index, function in enumerate(targets)))
    if isinstance(targets, np.ndarray) and targets.dtype.kind in "USO":
        targets = targets.reshape(-1).tolist()
    if isinstance(targets, (Tensor, np.ndarray)):
        values = as_values(targets, torch.device("cpu") if isinstance(targets, np.ndarray) else targets.device)
        return _embeddings(values) if values.is_floating_point() else _classes(view, values.reshape(-1).tolist())
    items: list[Any] = list(targets) if isinstance(targets, Iterable) and not isinstance(targets, str) else [targets]
    if not items:
        raise BadInput("no target given: name at least one prompt, class or embedding")
    if all(isinstance(item, str) for item in items):
        return _class_names(view, items) if view.classifies else _prompts(view, items, encode or view.encode_text)
    if all(isinstance(item, (int, np.integer)) and not isinstance(item, bool) for item in items):
        return _classes(view, [int(item) for item in items])
    if all(isinstance(item, (Tensor, np.ndarray)) for item in items):
        if len({tuple(item.shape) for item in items}) > 1:
            raise BadInput(f"embeddings are of one size, not {', '.join(str(tuple(item.shape)) for item in items)}")
        return name_targets(view, torch.stack([torch.as_tensor(item) for item in items]))
    kinds = ", ".join(dict.fromkeys(type(item).__name__ for item in items))
    hint = " (a picture to compare with goes as like=)" if any(isinstance(i, Image.Image) for i in items) else ""
    raise BadInput(
        "targets are all prompts (or class names), all class indices, or all embeddings, not a mixture and not "
        f"{kinds}{hint}"
    )


def predicted(view: View, output: Tensor) -> NamedTargets:
    """The class with the largest logit of one output (1, classes).

    Raises:
        BadInput: the model predicts no classes.
        UnsupportedModel: what it gives is no row of numbers.
    """
    if not view.classifies:
        raise nothing_to_look_for(view)
    check_rows(view.name, output)
    return _classes(view, [int(output[0].argmax())])


def nothing_to_look_for(view: View) -> BadInput:
    """What to say where no target is given for a model that predicts no class."""
    try:
        _ = view.text
    except BadInput:
        return BadInput(
            f"{view.name} predicts no class and reads no prompts: give another picture, to see what makes both alike "
            "(like=, --like)"
        )
    return BadInput(f'{view.name} predicts no class: say what to look for, e.g. "a cat" (-p "a cat")')


def _prompts(view: View, prompts: list[str], encode: Encode) -> NamedTargets:
    for prompt in prompts:
        check_text(prompt, "a prompt")
        if not prompt.strip():
            raise BadInput('a prompt is empty: say what to look for, e.g. "a cat"')
        if unknown := view.unknown_words(prompt):
            warnings.warn(_unknown_words(view, prompt, unknown), WhylightWarning, stacklevel=_who_asked())
    return NamedTargets(encode(prompts), tuple(prompts))


def _who_asked() -> int:
    """How many calls above the caller the first one is that is not of this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith("whylight."):
        frame, level = frame.f_back, level + 1
    return level


def _unknown_words(view: View, prompt: str, unknown: list[str]) -> str:
    words = getattr(getattr(view, "tokenizer", None), "words", ())
    knows = f" It knows: {' '.join(words)}." if words else ""
    return (
        f"{view.name} does not know {', '.join(map(repr, unknown))} of {prompt!r}, so that map means little.{knows} "
        'For any prompt load a real CLIP, e.g. "openclip:ViT-B-16/laion2b_s34b_b88k" (--model on the command line)'
    )


def _embeddings(values: Tensor) -> NamedTargets:
    values = values.unsqueeze(0) if values.dim() == 1 else values
    if values.dim() != 2 or values.numel() == 0:
        raise BadInput(f"target embeddings are (targets, dim), not {tuple(values.shape)}")
    return NamedTargets(values, tuple(f"embedding {index}" for index in range(len(values))))


def _classes(view: View, indices: list[int]) -> NamedTargets:
    if not view.classifies:
        raise BadInput(f"{view.name} has no classes: its targets are prompts or embeddings, not class indices")
    names, count = view.class_names, view.class_count
    for index in indices:
        if index < 0 or (count is not None and index >= count):
            raise BadInput(f"{view.name} has no class {index}: its classes are 0 to {(count or 1) - 1}")
    called = (f"class {index}" if names is None else names[index] for index in indices)
    return NamedTargets(torch.tensor(indices, dtype=torch.int64), tuple(called))


def _class_names(view: View, wanted: list[str]) -> NamedTargets:
    """Classes by name, by one of the synonyms between commas (case and underscores forgiven in both), or by number.

    A class that is called exactly so goes before classes that have it for a synonym.
    """
    names = view.class_names or []
    whole: dict[str, list[int]] = {}
    parts: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        whole.setdefault(_plain(name), []).append(index)
        for called in dict.fromkeys(map(_plain, name.split(","))):
            parts.setdefault(called, []).append(index)
    known = {called: found[0] for called, found in (parts | whole).items()}
    indices = []
    for name in wanted:
        if found := whole.get(_plain(name)) or parts.get(_plain(name)):
            indices.append(_only(view, name, found))
        elif name.strip().isdecimal():
            indices.append(int(name))
        else:
            raise _unknown_class(view, name, names, known)
    return _classes(view, indices)


def _only(view: View, name: str, found: list[int]) -> int:
    if len(found) > 1:
        raise BadInput(
            f"{view.name} has {len(found)} classes called {name!r}: give the number of one, "
            f"{' or '.join(map(str, found))}"
        )
    return found[0]


def _unknown_class(view: View, name: str, names: list[str], known: dict[str, int]) -> UnknownName:
    if not names:
        return UnknownName(
            f"{view.name} does not know the names of its classes: give class indices instead of {name!r}"
        )
    near = difflib.get_close_matches(_plain(name), known, n=3, cutoff=0.6)
    inside = [called for called in known if _plain(name) in called.split()][:3]
    found = dict.fromkeys(names[known[match]] for match in (*near, *inside))
    meant = f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
    return UnknownName(f"{view.name} has no class {name!r}.{meant} It has {len(names)} classes")


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())
