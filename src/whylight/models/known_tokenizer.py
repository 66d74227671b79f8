"""A model's tokenizer where texts need one."""

from __future__ import annotations

from typing import TypeVar

from whylight.errors import BadInput

T = TypeVar("T")


def known_tokenizer(tokenizer: T | None, name: str) -> T:
    """The tokenizer itself.

    Raises:
        BadInput: there is none; ``name`` is the model's.
    """
    if tokenizer is None:
        raise BadInput(f"{name} does not say which tokenizer it was trained with: whylight.wrap(model, tokenizer=...)")
    return tokenizer
