"""Whether values are of the types that a function's hints name: one check for all options and arguments."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from whylight.errors import BadInput

_WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a string", type(None): "None"}


def check_types(owner: str, values: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Compare arguments with the hints of a function. What has no hint passes.

    Args:
        owner: what the line begins with: the name of a method or function.

    Raises:
        BadInput: naming the first argument that is of another type, and what it may be.
    """
    hints = _hints(function)
    for name, value in values.items():
        if name in hints and not fits(value, hints[name]):
            raise BadInput(f"{owner}: {name}={_shown(value)} must be {said(hints[name])}")


def fits(value: object, hint: Any) -> bool:
    """Whether a value is what a type hint says; truth values are no numbers, numbers of NumPy are."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return any(type(value) is type(word) and value == word for word in inside)
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in inside)
    if origin is tuple:
        return isinstance(value, tuple) and len(value) == len(inside) and all(map(fits, value, inside))
    if origin is dict:
        return isinstance(value, dict) and all(fits(k, inside[0]) and fits(v, inside[1]) for k, v in value.items())
    if origin in (Sequence, list):
        return isinstance(value, origin) and not isinstance(value, str) and all(fits(v, inside[0]) for v in value)
    if hint in (int, float):
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    return isinstance(value, origin or hint)


def said(hint: Any) -> str:
    """A type hint in words: "a whole number or None"."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, inside))}"
    if origin in (Union, types.UnionType):
        return " or ".join(map(said, inside))
    if origin is tuple:
        return f"({', '.join(map(said, inside))})"
    if origin in (Sequence, list):
        return f"a list, each of it {said(inside[0])}"
    kind = origin or hint
    return _WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(function)


def _shown(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."
