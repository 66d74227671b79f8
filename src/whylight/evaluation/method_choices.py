"""Methods as they are named on the command line, baselines included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from whylight.errors import BadInput, UnknownName, WhylightError
from whylight.evaluation.baselines import BASELINES
from whylight.methods import find_method, methods, relevance
from whylight.methods.registry import Method
from whylight.models.view import Inputs, View

HEAD = "head"
"""Value of an option that stands for the embeddings of all classes."""


@dataclass(frozen=True)
class Choice:
    """A method with options, under the label it has in tables ("legrad", "legrad:start_layer=-2")."""

    label: str
    method: str
    options: dict[str, Any] = field(default_factory=dict)


def parse_methods(text: str, find: Callable[[str], Method] = find_method) -> list[Choice]:
    """Methods out of ``legrad,legrad:start_layer=-2:score=dot,rollout``, the two baselines always last.

    Options are numbers, true and false, else words; ``decomposition:contrast=head`` gives a method the embeddings of
    all classes that the model chooses among.

    Args:
        find: a method by name.

    Raises:
        UnknownName: no such method or option.
        BadInput: nothing named, something named twice, or an option without a value.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise BadInput(f"no method named; there are: {', '.join(methods())}")
    chosen = [_choice(name, find) for name in names if name not in BASELINES]
    labels = [choice.label for choice in chosen]
    if len(set(labels)) != len(labels):
        raise BadInput(f"a method is named twice: {text}")
    return chosen + [Choice(name, name) for name in BASELINES]


def one_method(
    text: str, more: Mapping[str, object] | None = None, find: Callable[[str], Method] = find_method
) -> tuple[str, dict[str, Any]]:
    """A method and its options out of ``legrad:start_layer=-2:score=dot``, for one picture.

    Args:
        more: options that were given by themselves; None where they were not.
        find: a method by name.

    Raises:
        UnknownName: no such method or option.
        BadInput: an option without a value, given twice, or of another type.
    """
    name, written = _name_and_options(text)
    apart = {option: value for option, value in (more or {}).items() if value is not None}
    if twice := sorted(written.keys() & apart.keys()):
        raise BadInput(f"{twice[0]} is given twice, in {text!r} and by itself")
    return name, find(name).check_options(written | apart)


def _choice(text: str, find: Callable[[str], Method]) -> Choice:
    name, options = _name_and_options(text)
    heads = {option: value for option, value in options.items() if value == HEAD}
    checked = find(name).check_options({o: v for o, v in options.items() if o not in heads})
    return Choice(text, name, checked | heads)


def _name_and_options(text: str) -> tuple[str, dict[str, object]]:
    name, *settings = text.split(":")
    options: dict[str, object] = {}
    for setting in settings:
        option, equals, value = setting.partition("=")
        if not equals:
            raise BadInput(f"{text!r}: options are written name=value")
        options[option] = _value(value)
    return name, options


def _value(text: str) -> object:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def with_head(choices: Sequence[Choice], embeddings: Tensor | None) -> list[Choice]:
    """The same with the embeddings of all classes, (classes, dim), where an option asks for them.

    Raises:
        BadInput: a classifier has none.
    """
    if embeddings is None and any(HEAD in choice.options.values() for choice in choices):
        raise BadInput("an option says `head`, but a classifier has no class embeddings")
    return [
        replace(choice, options={k: embeddings if v == HEAD else v for k, v in choice.options.items()})
        for choice in choices
    ]


def refused(view: View, choices: Sequence[Choice], inputs: Inputs, targets: Tensor) -> dict[str, str]:
    """Try every method on one picture or text: label of each that this model cannot have, to the reason."""
    reasons = {}
    for choice in choices:
        if choice.method not in BASELINES:
            try:
                relevance(view, inputs, targets, method=choice.method, **choice.options)
            except UnknownName:
                raise
            except WhylightError as error:
                reasons[choice.label] = str(error)
    return reasons
