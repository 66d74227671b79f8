"""What an input size costs, said before it is paid."""

from __future__ import annotations

import time
import warnings

import torch

from whylight.errors import BadInput, WhylightWarning
from whylight.models.preprocessing import Preprocessing
from whylight.models.view import View

SAID = 4_096
"""From so many tokens on, memory and time are said beforehand."""
MOST_TOKENS = 16_384
"""More are refused unless they are asked for by ``large``: 2048 x 2048 pixels in patches of 16."""
LESS_OR_LARGE = "a smaller size needs less, large=True (--large) takes it"

_KEPT = 25
"""What a block needs at once, in multiples of its tokens (as in :mod:`whylight.passes.full_pass`)."""
_PASSES = 3
"""Forward, and about twice as much for the gradient."""


def check_cost(view: View, own: Preprocessing, size: tuple[int, int], large: bool) -> None:
    """Refuse an input of too many tokens; say what one of many takes.

    Args:
        own: the model's own preprocessing.
        size: (height, width) in pixels that are asked for.
        large: take it, however many tokens it has.

    Raises:
        BadInput: more than ``MOST_TOKENS`` tokens, and not ``large``.

    Warns:
        WhylightWarning: more than ``SAID`` tokens, with an estimate of memory and time.
    """
    tokens = tokens_of(own, size)
    if tokens <= SAID or size == own.size:
        return
    if too_many(own, size) and not large:
        costs = _estimate(view, own.size, size, tokens)
        raise BadInput(f"{in_tokens(own, size)}, more than {MOST_TOKENS:,} ({costs} with one target): {LESS_OR_LARGE}")
    costs = f"{in_tokens(own, size)}: {_estimate(view, own.size, size, tokens)} with one target"
    warnings.warn(f"{view.name}: {costs}", WhylightWarning, stacklevel=5)


def tokens_of(own: Preprocessing, size: tuple[int, int]) -> int:
    """How many patches a model of this preprocessing sees in pixels (height, width)."""
    return (size[0] // own.patch[0]) * (size[1] // own.patch[1])


def too_many(own: Preprocessing, size: tuple[int, int]) -> bool:
    """Whether pixels (height, width) are taken only where they are asked for by ``large``."""
    return size != own.size and tokens_of(own, size) > MOST_TOKENS


def in_tokens(own: Preprocessing, size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels are {tokens_of(own, size):,} tokens"


def _estimate(view: View, native: tuple[int, int], size: tuple[int, int], tokens: int) -> str:
    """Memory by what blocks keep, time by counting operations, at the speed that this machine has just now."""
    with torch.no_grad():
        run = view.begin(view.place(torch.zeros(1, view.channels, *native)))
    width = run.tokens.shape[-1]
    operations = _PASSES * len(run.blocks) * tokens * (24 * width**2 + 4 * tokens * width)
    pixels = size[0] * size[1] * view.channels
    gigabytes = 4 * (_KEPT * tokens * width + 4 * pixels) / 1e9
    seconds = operations / _speed(run.tokens)
    lasting = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
    return f"about {gigabytes:.1f} GB and {lasting}"


def _speed(like: torch.Tensor) -> float:
    """Operations in a second of a matrix product."""
    side = 512
    matrix = torch.ones(side, side, dtype=like.dtype, device=like.device)
    matrix @ matrix
    start = time.perf_counter()
    float((matrix @ matrix)[0, 0])
    return 2 * side**3 / max(time.perf_counter() - start, 1e-6)
