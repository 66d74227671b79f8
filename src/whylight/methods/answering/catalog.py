"""All methods for answers, by name."""

from __future__ import annotations

import difflib

from whylight.errors import UnknownName
from whylight.methods.answering import (
    attention_cam,
    chefercam,
    erasing,
    input_gradient,
    keyflow,
    legrad,
    raw_attention,
    rollout,
    tam,
)
from whylight.methods.answering.registry import TABLE
from whylight.methods.registry import Method

FILES = (attention_cam, chefercam, erasing, input_gradient, keyflow, legrad, raw_attention, rollout, tam)


def answer_methods() -> list[str]:
    """Names of the methods for answers."""
    return sorted(TABLE)


def find_answer_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UnknownName: with near misses and the list of all.
    """
    if name in TABLE:
        return TABLE[name]
    near = difflib.get_close_matches(name, TABLE, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownName(f"unknown method {name!r} for answers.{meant} Methods: {', '.join(answer_methods())}")
