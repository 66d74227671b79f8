"""All methods for answers, by name."""

from __future__ import annotations

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
from whylight.methods.registry import Method, named

FILES = (attention_cam, chefercam, erasing, input_gradient, keyflow, legrad, raw_attention, rollout, tam)


def answer_methods() -> list[str]:
    """Names of the methods for answers."""
    return sorted(TABLE)


def find_answer_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UnknownName: with near misses and the list of all.
    """
    return named(TABLE, name, of=" for answers")
