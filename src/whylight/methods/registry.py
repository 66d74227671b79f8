"""The table of methods: adding one is one decorated function."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from torch import Tensor

from whylight.errors import UnknownName

Explain = Callable[..., Tensor]
"""(view, inputs, targets, **options) to relevance (batch, targets, tokens), prefix tokens dropped."""


@dataclass(frozen=True)
class Method:
    """A registered method.

    Attributes:
        name: what users call it.
        explain: ``explain(view, inputs, targets, **options)``, see :func:`method`.
        summary: one line, what it does.
        citation: where it comes from.
        gradient: it asks for gradients of the model, so ``libra=True`` can change them.
    """

    name: str
    explain: Explain
    summary: str
    citation: str
    gradient: bool

    @property
    def options(self) -> dict[str, object]:
        """Names and defaults of the options."""
        parameters = inspect.signature(self.explain).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}

    def check_options(self, options: Iterable[str]) -> None:
        """Refuse options that the method does not have.

        Raises:
            UnknownName: naming the options there are.
        """
        known = self.options
        for option in options:
            if option not in known:
                raise UnknownName(f"{self.name} has no option {option!r}; it has: {', '.join(known) or 'none'}")


_METHODS: dict[str, Method] = {}


def method(name: str, *, summary: str, citation: str, gradient: bool = True) -> Callable[[Explain], Explain]:
    """Register a function as a method.

    The function takes ``(view, inputs, targets, *, options...)``: a :class:`~whylight.models.view.View`, inputs already on
    its device and in its dtype, and :class:`~whylight.models.targets.Targets`; it runs with gradients enabled and returns
    raw relevance (batch, targets, tokens) without prefix tokens. Keyword-only parameters are its options.
    """

    def register(explain: Explain) -> Explain:
        _METHODS[name] = Method(name, explain, summary, citation, gradient)
        return explain

    return register


def methods() -> list[str]:
    """Names of all methods."""
    return sorted(_METHODS)


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UnknownName: with near misses and the list of all.
    """
    try:
        return _METHODS[name]
    except KeyError:
        near = difflib.get_close_matches(name, _METHODS, n=3, cutoff=0.5)
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UnknownName(f"unknown method {name!r}.{meant} Methods: {', '.join(methods())}") from None
