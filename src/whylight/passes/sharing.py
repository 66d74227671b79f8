"""One pass for many methods: what several methods ask of the same model and inputs is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from torch import Tensor

from whylight.models.view import Inputs, Pass, View
from whylight.propagation.libra import libra_is_active

Made = TypeVar("Made")

Begun = Inputs | Pass
"""What is driven: inputs, or a pass that was begun with them."""

Passes = dict[tuple[object, ...], tuple[Begun, Any]]
"""Passes that are kept, by view, what is driven, and kind."""

_PASSES: ContextVar[Passes | None] = ContextVar("passes", default=None)


@contextmanager
def shared_passes(kept: Passes | None = None) -> Iterator[None]:
    """Keep passes for the length of a ``with`` block, and hand them to every method called on the same inputs object.

    Memory: the graphs of all kinds of passes that the methods need stay until the end of the block. Threads share
    nothing.

    Args:
        kept: where they are put, and found again by a later block; default: they go when the block ends.
    """
    token = _PASSES.set({} if kept is None else kept)
    try:
        yield
    finally:
        _PASSES.reset(token)


def sharing() -> bool:
    """Whether passes are being kept."""
    return _PASSES.get() is not None


def already_made(view: View, inputs: Begun, kind: tuple[object, ...]) -> Any:
    """What :func:`shared` gave for this before; None where it did not."""
    found = (_PASSES.get() or {}).get(_key(view, inputs, kind))
    return None if found is None else found[1]


def shared(view: View, inputs: Begun, kind: tuple[object, ...], make: Callable[[], Made]) -> Made:
    """What ``make`` gives, or gave before inside :func:`shared_passes` for this view, these inputs and this kind.

    Passes with libra's gradients and without are never the same.
    """
    passes = _PASSES.get()
    if passes is None:
        return make()
    key = _key(view, inputs, kind)
    if key not in passes:
        # The inputs are kept beside their pass, so that no other object can come by their id.
        passes[key] = inputs, make()
    made: Made = passes[key][1]
    return made


def output_made(view: View, inputs: Inputs) -> Tensor | None:
    """The model's own output, (batch, dim), where a pass that is kept has computed it."""
    for (of_view, of_inputs, *_), (_, made) in (_PASSES.get() or {}).items():
        output = getattr(made, "output", None)
        if of_view == id(view) and of_inputs == id(inputs) and isinstance(output, Tensor):
            return output.detach()
    return None


def _key(view: View, inputs: Begun, kind: tuple[object, ...]) -> tuple[object, ...]:
    return id(view), id(inputs), libra_is_active(), *kind
