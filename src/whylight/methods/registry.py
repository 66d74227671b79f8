"""The table of methods: adding one is one decorated function."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whylight.errors import BadInput, UnknownName, UnsupportedModel
from whylight.methods.plugins import load_plugins
from whylight.models.targets import Targets
from whylight.models.view import Inputs, View
from whylight.passes.key_likeness import record_key_likeness
from whylight.passes.sharing import shared_passes, sharing
from whylight.propagation.libra import libra_gradients
from whylight.propagation.mode import NoRule
from whylight.runs.type_hints import check_types

_RENAMED = {"centred": "centered", "normalise_rows": "normalize_rows"}
"""Options by the names that they had in the documentation."""

MOST_STEPS = 1_000
"""Of a path from nothing to the input; each step is a way through the model and back."""

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
        gradient: it asks for gradients of the model.
        libra: ``libra=True`` can change these.
        smooth: ``smooth=True`` can spread its maps among patches with like keys.
        autocast: it may run under autocast; what divides by sums near zero cannot, and runs in the model's precision.
        company: options with which a target's map depends on the targets that are asked for together; None: never.
        windows: it reads no attention, and so explains models that attend in windows too.
    """

    name: str
    explain: Explain
    summary: str
    citation: str
    gradient: bool
    libra: bool
    smooth: bool
    autocast: bool
    company: Mapping[str, object] | None = None
    windows: bool = False

    def __call__(
        self,
        view: View,
        inputs: Inputs,
        targets: Targets,
        *,
        libra: bool = False,
        smooth: bool = False,
        **options: object,
    ) -> Tensor:
        """``explain``, with LibraGrad's derivatives and spread among patches with like keys, if asked for."""
        self.check_view(view, plain=not (libra or smooth))
        precision = nullcontext() if self.autocast else torch.autocast(view.parameter.device.type, enabled=False)
        with self._named(), precision, libra_gradients() if libra else nullcontext():
            if not smooth:
                return self.explain(view, inputs, targets, **options)
            if options.get("create_graph"):
                raise BadInput(f"{self.name}: smooth=True gives no graph: leave create_graph out")
            with nullcontext() if sharing() else shared_passes():
                maps = self.explain(view, inputs, targets, **options)
                if maps.dim() == 4:
                    raise BadInput(f"{self.name} goes down to pixels: smooth=True spreads relevance among patches")
                return record_key_likeness(view, inputs).above_mean(maps.detach())

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What has no rule is refused by the method's name."""
        try:
            yield
        except NoRule as error:
            raise UnsupportedModel(f"{self.name}: {error}") from None

    def check_view(self, view: View, plain: bool = True) -> None:
        """Refuse a model through which no gradient goes, where the method asks for them, and one whose attention lies
        in windows, where the method reads it.

        Args:
            plain: without ``libra`` and ``smooth``, which look at attention.

        Raises:
            UnsupportedModel: it has layers of integers, or windows.
        """
        if view.windowed and not (self.windows and plain):
            what = self.name if plain else f"{self.name} with libra or smooth"
            raise UnsupportedModel(
                f"{what} reads attention over one grid of patches, and {view.name} attends in windows, of which there "
                f"are fewer from stage to stage: choose {_for_windows()}"
            )
        if self.gradient and (layer := view.integer_layer()):
            raise UnsupportedModel(
                f"{self.name} asks for gradients, and {view.name} has none at {layer}, whose weights are integers: "
                f"give it the model before quantisation, or choose a method that asks for none ({_without_gradients()})"
            )

    def depends_on_company(self, options: Mapping[str, Any]) -> bool:
        """Whether a target's map depends on the targets that are asked for together."""
        if self.company is None:
            return False
        return all(isinstance(options.get(name), str) and options[name] == v for name, v in self.company.items())

    @property
    def options(self) -> dict[str, object]:
        """Names and defaults of the options."""
        parameters = inspect.signature(self.explain).parameters.values()
        own = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
        return own | ({"libra": False} if self.libra else {}) | ({"smooth": False} if self.smooth else {})

    def check_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options by their present names, once none is unknown and each is of the type of its hint.

        Raises:
            UnknownName: naming the options there are.
            BadInput: naming what the option takes.

        Warns:
            DeprecationWarning: an option has its old name.
        """
        if not options:
            return {}
        options = {_present_name(option): value for option, value in options.items()}
        known = self.options
        for option in options:
            if option not in known:
                raise UnknownName(f"{self.name} has no option {option!r}; it has: {', '.join(known) or 'none'}")
        check_types(self.name, options, self.explain)
        check_types(self.name, options, Method.__call__)  # libra and smooth
        return options


def _present_name(option: str) -> str:
    if option not in _RENAMED:
        return option
    warnings.warn(f"the option {option} is called {_RENAMED[option]} now", DeprecationWarning, stacklevel=4)
    return _RENAMED[option]


def check_one_map_each(method: str, options: Mapping[str, Any]) -> None:
    """Refuse what gives a map for each head where there is to be one for each target.

    Raises:
        BadInput: naming the ways that keep all heads.
    """
    if options.get("head") == "all":
        raise BadInput(
            f"{method}: head='all' gives a map for each head, not for each target: whylight.relevance gives them, and "
            "whylight.attention (the command attention) draws them"
        )


_METHODS: dict[str, Method] = {}


def method(
    name: str,
    *,
    summary: str,
    citation: str,
    gradient: bool = True,
    libra: bool = True,
    smooth: bool = True,
    autocast: bool = True,
    company: Mapping[str, object] | None = None,
    windows: bool = False,
) -> Callable[[Explain], Explain]:
    """Register a function as a method.

    The function takes ``(view, inputs, targets, *, options...)``: a :class:`~whylight.models.view.View`, inputs already
    on its device and in its dtype, and :class:`~whylight.models.targets.Targets`; it runs with gradients enabled and
    returns raw relevance (batch, targets, tokens) without prefix tokens. Keyword-only parameters are its options.

    Args:
        gradient: it asks for gradients of the model.
        libra: and takes ``libra=True``, under which these follow LibraGrad's rules.
        smooth: takes ``smooth=True`` (:mod:`whylight.passes.key_likeness`), which is for maps over patches.
        autocast: keeps its digits under ``torch.autocast``. Otherwise it runs outside, in the model's precision.
        company: options with which a target's map depends on the targets that are asked for together; {}: always.
        windows: reads no attention, so that it explains models that attend in windows (Swin) too.

    Raises:
        BadInput: another module has a method of that name.
    """
    return registering(
        _METHODS,
        name,
        summary=summary,
        citation=citation,
        gradient=gradient,
        libra=gradient and libra,
        smooth=smooth,
        autocast=autocast,
        company=company,
        windows=windows,
    )


def registering(table: dict[str, Method], name: str, **said: Any) -> Callable[[Explain], Explain]:
    """A decorator that puts a function into a table of methods.

    Args:
        **said: the other attributes of the :class:`Method`.

    Raises:
        BadInput: another module has a method of that name in it.
    """

    def register(explain: Explain) -> Explain:
        known = table.get(name)
        if known is not None and known.explain.__module__ != explain.__module__:
            raise BadInput(f"there is a method {name!r} already, in {known.explain.__module__}: choose another name")
        table[name] = Method(name=name, explain=explain, **said)
        return explain

    return register


def _for_windows() -> str:
    return " or ".join(name for name, known in sorted(_METHODS.items()) if known.windows)


def _without_gradients() -> str:
    return ", ".join(name for name, known in sorted(_METHODS.items()) if not known.gradient)


def methods() -> list[str]:
    """Names of all methods, those of installed packages (entry point group ``whylight.methods``) among them."""
    load_plugins()
    return sorted(_METHODS)


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        UnknownName: with near misses and the list of all.
    """
    load_plugins()
    check_types("method", {"name": name}, find_method)
    return named(_METHODS, name)


def named(table: Mapping[str, Method], name: str, *, of: str = "") -> Method:
    """The method of that name in a table.

    Args:
        of: what the table's methods are for, in words behind "method".

    Raises:
        UnknownName: with near misses and the list of all.
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownName(f"unknown method {name!r}{of}.{meant} Methods: {', '.join(sorted(table))}")
