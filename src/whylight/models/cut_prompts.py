"""Prompts that are longer than a model reads: said, as two that differ only behind the cut get the same map."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from whylight.errors import WhylightWarning


def warn_of_cuts(name: str, prompts: Sequence[str], tokenize: Callable[[list[str]], Tensor], longest: int) -> None:
    """Name what a model does not read of each prompt.

    Args:
        tokenize: prompts to token ids (prompts, tokens), cut as the model has them.
        longest: how many tokens the model reads. No tokenizer makes more tokens of a text than it has bytes.
    """
    for prompt in prompts:
        if len(prompt.encode("utf-8", "replace")) + 2 <= longest:
            continue
        if rest := _unread(prompt, tokenize):
            shown = rest if len(rest) <= 60 else f"{rest[:57]}..."
            said = f"{name} reads {longest} tokens, and not the end of the prompt, {shown!r}: say it in fewer words"
            warnings.warn(said, WhylightWarning, stacklevel=6)


def _unread(prompt: str, tokenize: Callable[[list[str]], Tensor]) -> str:
    """The words (of a single word the letters) at the end that change nothing."""
    ends = [found.end() for found in re.finditer(r"\S+", prompt)]
    ends = ends if len(ends) > 1 else list(range(1, len(prompt) + 1))
    whole = tokenize([prompt])

    def same(count: int) -> bool:
        ids = tokenize([prompt[: ends[count - 1]]]) if count else tokenize(["a"])
        return ids.shape == whole.shape and bool(torch.equal(ids, whole))

    few, enough = 0, len(ends)
    if not same(enough - 1):
        return ""
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if same(middle) else (middle, enough)
    return prompt[ends[enough - 1] :].strip()
