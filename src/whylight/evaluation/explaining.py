"""Methods as they are named on the command line, and their maps for a batch of pictures, baselines included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from whylight.errors import BadInput, UnknownName, WhylightError
from whylight.evaluation.baselines import BASELINES, baseline
from whylight.evaluation.heads import Head
from whylight.methods import find_method, methods, record_legrad, relevance
from whylight.methods.legrad.recording import RECORDED
from whylight.models.view import Inputs, View
from whylight.passes.sharing import shared, sharing

HEAD = "head"
"""Value of an option that stands for the embeddings of all classes."""


@dataclass(frozen=True)
class Choice:
    """A method with options, under the label it has in tables ("legrad", "legrad:start_layer=-2")."""

    label: str
    method: str
    options: dict[str, object] = field(default_factory=dict)


def parse_methods(text: str) -> list[Choice]:
    """Methods out of ``legrad,legrad:start_layer=-2:score=dot,rollout``, the two baselines always last.

    Options are numbers, true and false, else words; ``decomposition:contrast=head`` gives a method the embeddings of
    all classes that the model chooses among.

    Raises:
        UnknownName: no such method or option.
        BadInput: nothing named, something named twice, or an option without a value.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise BadInput(f"no method named; there are: {', '.join(methods())}")
    chosen = [_choice(name) for name in names if name not in BASELINES]
    labels = [choice.label for choice in chosen]
    if len(set(labels)) != len(labels):
        raise BadInput(f"a method is named twice: {text}")
    return chosen + [Choice(name, name) for name in BASELINES]


def _choice(text: str) -> Choice:
    name, *settings = text.split(":")
    options: dict[str, object] = {}
    for setting in settings:
        option, equals, value = setting.partition("=")
        if not equals:
            raise BadInput(f"{text!r}: options are written name=value")
        options[option] = _value(value)
    heads = {option: value for option, value in options.items() if value == HEAD}
    checked = find_method(name).check_options({o: v for o, v in options.items() if o not in heads})
    return Choice(text, name, checked | heads)


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def with_head(choices: Sequence[Choice], head: Head) -> list[Choice]:
    """The same with the head's embeddings where an option asks for them.

    Raises:
        BadInput: a classifier has none.
    """
    if head.embeddings is None and any(HEAD in choice.options.values() for choice in choices):
        raise BadInput("an option says `head`, but a classifier has no class embeddings")
    return [
        replace(choice, options={k: head.embeddings if v == HEAD else v for k, v in choice.options.items()})
        for choice in choices
    ]


def maps_of(
    choice: Choice, view: View, pixels: Tensor, targets: Tensor, grid: tuple[int, int], keys: Sequence[Sequence[str]]
) -> Tensor:
    """Raw maps (batch, targets, rows, columns), float32, on the CPU: of patches, or of pixels where the method says so.

    Args:
        targets: see :meth:`whylight.evaluation.heads.Head.targets`.
        keys: for every picture, one text per target that the random baseline follows from.
    """
    if choice.method in BASELINES:
        return torch.stack([torch.stack([baseline(choice.method, grid, key) for key in row]) for row in keys])
    maps = _relevance(choice, view, pixels, targets).float().cpu()
    return maps if maps.dim() == 4 else maps.unflatten(-1, grid)


def _relevance(choice: Choice, view: View, pixels: Tensor, targets: Tensor) -> Tensor:
    """Raw relevance; all LeGrads of the same pictures that differ in what they ask alone share one recording."""
    if choice.method != "legrad" or not sharing() or "create_graph" in choice.options:
        return relevance(view, pixels, targets, method=choice.method, **choice.options)
    recorded = {name: value for name, value in choice.options.items() if name in RECORDED}
    asked: dict[str, Any] = {name: value for name, value in choice.options.items() if name not in RECORDED}
    kind = ("legrad", *sorted(recorded.items()))
    return shared(view, pixels, kind, lambda: record_legrad(view, pixels, **recorded)).relevance(targets, **asked)


def usable(view: View, choices: Sequence[Choice], inputs: Inputs, targets: Tensor) -> dict[str, str]:
    """Try every method on one picture or text: label of each that this model cannot have, to the reason."""
    refused = {}
    for choice in choices:
        if choice.method not in BASELINES:
            try:
                relevance(view, inputs, targets, method=choice.method, **choice.options)
            except UnknownName:
                raise
            except WhylightError as error:
                refused[choice.label] = str(error)
    return refused


def grid_of(view: View, size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of patches at an input size."""
    with torch.no_grad():
        grid = view.begin(view.place(torch.zeros(1, 3, *size))).grid
    if grid is None:
        raise BadInput(f"{view.name} reads text: benchmarks are for pictures")
    return grid
