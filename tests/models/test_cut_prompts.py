"""A prompt that is longer than the model reads is said to be, with what was not read."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from whylight.errors import WhylightWarning
from whylight.models.cut_prompts import warn_of_cuts


def eight_words(prompts: list[str]) -> Tensor:
    """Begin, six words, end: as CLIP's tokenizers cut."""
    rows = []
    for prompt in prompts:
        ids = [1, *(2 + sum(word.encode()) for word in prompt.split()[:6]), 9999]
        rows.append(ids + [0] * (8 - len(ids)))
    return torch.tensor(rows)


def said(prompt: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_cuts("tiny", [prompt], eight_words, 8)
    return [str(each.message) for each in caught if issubclass(each.category, WhylightWarning)]


@pytest.mark.parametrize(("words", "rest"), [(7, "w6"), (9, "w6 w7 w8")])
def test_what_is_not_read_is_named(words: int, rest: str) -> None:
    (message,) = said(" ".join(f"w{i}" for i in range(words)))
    assert f"{rest!r}" in message
    assert "windows" not in message


@pytest.mark.parametrize("words", [1, 5, 6])
def test_what_fits_is_not_warned_of(words: int) -> None:
    assert said(" ".join(f"w{i}" for i in range(words))) == []
