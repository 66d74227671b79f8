"""Relevance propagation over an untouched model: a function mode under which every function has a rule.

Inside ``with propagation(rules) as mode:`` (:func:`whylight.propagation.propagation`) a model computes what it always
computes, on a graph along which relevance can go back as well as the gradient
(:class:`~whylight.propagation.ruled.Flow`). A function that has no rule is refused by name: no number is better than a
wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import resolve_name

from whylight.attention import AttentionCall
from whylight.attention.call import at_least_float32
from whylight.attention.function_mode import Function, FunctionMode
from whylight.errors import UnsupportedModel
from whylight.propagation.ruled import Flow, Rule, Ruled
from whylight.propagation.rules import Rules, divide


class NoRule(UnsupportedModel):
    """A function of the model has no rule by which relevance could go back through it."""


@dataclass(frozen=True)
class FunctionTable:
    """What becomes of each torch function. Those in none of these are refused where they carry relevance on.

    Attributes:
        handlers: ``handler(mode, func, *args, **kwargs)`` runs a function by its rule.
        passing: change no number: relevance goes where the numbers go.
        statistics: that norms written out by hand divide by: these get no relevance.
        of_statistics: the only functions that may read such statistics.
    """

    handlers: Mapping[Function, Callable[..., Any]]
    passing: frozenset[Function]
    statistics: frozenset[Function]
    of_statistics: frozenset[Function]


class Propagation(FunctionMode):
    """A mode that runs functions of tensors that carry relevance by a rule set.

    Parameters and what is computed from them alone (positions, class tokens, rotary tables, masks) are constants.

    No rule holds on to the mode: tensors hold their graph, which holds the rules, and the mode holds tensors.

    Attributes:
        rules: the rule set.
        table: what becomes of each function.
        masked: attention adds a mask to its scores, of zeros where nothing is forbidden (texts).
        channels: of the picture that relevance goes back to; 0 where it ends at tokens.
        flow: takes relevance or gradients back. Use it outside the mode.
        calls: attention calls so far, in order.
    """

    def __init__(self, rules: Rules, table: FunctionTable, *, masked: bool = False) -> None:
        super().__init__()
        self.rules, self.table = rules, table
        self.masked = masked
        self.channels = 0
        self.flow = Flow()
        self.calls: list[AttentionCall] = []
        self._statistics: dict[int, Tensor] = {}
        self._changed: dict[int, Tensor] = {}
        self._read: dict[int, Tensor] = {}
        self._read_again: dict[int, Tensor] = {}

    def begin(self, tensor: Tensor) -> Tensor:
        """A tensor that carries relevance: where the way back ends."""
        self.channels = tensor.shape[1] if tensor.dim() == 4 else 0
        leaf = tensor.detach().requires_grad_()
        return leaf.view_as(leaf)

    def carries(self, value: object) -> bool:
        """Whether relevance goes back through this value."""
        return isinstance(value, Tensor) and value.grad_fn is not None and not self.is_statistic(value)

    def is_statistic(self, value: object) -> bool:
        """Whether this value carries a gradient but no relevance, such as the denominator of a norm."""
        return id(value) in self._statistics

    def mark_statistic(self, value: object) -> None:
        for tensor in tensors(value):
            self._statistics[id(tensor)] = tensor

    def mark_changed(self, value: Tensor) -> None:
        """A tensor that was changed in place stands for two values: whoever uses it again is refused."""
        self._changed[id(value)] = value

    def apply(self, compute: Callable[..., Tensor], rule: Rule, *operands: Any) -> Tensor:
        """``compute(*operands)``, with the rule as its other derivative."""
        constants = (x.detach() if isinstance(x, Tensor) and x.grad_fn is None else x for x in operands)
        return Ruled.apply(self.flow, compute, rule, *constants)  # type: ignore[no-any-return]

    def _note_reader(self, tensor: Tensor) -> None:
        """A tensor that is read twice gets x · (ΣR/x), the sum over its readers, stabilised like every division."""
        if not self.carries(tensor) or id(tensor) in self._read_again:
            return
        if id(tensor) not in self._read:
            self._read[id(tensor)] = tensor
            return
        self._read_again[id(tensor)] = tensor
        flow, x = self.flow, tensor.detach()

        def summed(incoming: Tensor) -> Tensor | None:
            return (x * divide(at_least_float32(incoming), x)).to(x.dtype) if flow.relevance else None

        tensor.register_hook(summed)

    def refuse(self, func: Callable[..., Any], why: str = "has no rule") -> NoRule:
        name = resolve_name(func) or getattr(func, "__name__", str(func))
        return NoRule(
            f"relevance propagation: {name} {why}, and this model uses it. Choose a method that asks for gradients only"
        )

    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not args and "input" in kwargs:
            kwargs = dict(kwargs)
            args = (kwargs.pop("input"),)
        given = list(tensors((args, kwargs)))
        if not any(self.carries(tensor) for tensor in given):
            derived = any(self.is_statistic(tensor) for tensor in given)
            with torch.set_grad_enabled(derived and torch.is_grad_enabled()):
                result = func(*args, **kwargs)
            if derived:
                self.mark_statistic(result)
            return result
        if any(id(tensor) in self._changed for tensor in given):
            raise self.refuse(func, "reads a tensor that was changed in place")
        if func not in self.table.of_statistics and any(self.is_statistic(tensor) for tensor in given):
            raise self.refuse(func, "of a norm's statistics has no rule")
        handler = self.table.handlers.get(func)
        result = func(*args, **kwargs) if handler is None else handler(self, func, *args, **kwargs)
        if func is not F.multi_head_attention_forward and any(self.carries(tensor) for tensor in tensors(result)):
            for tensor in given:
                self._note_reader(tensor)
        if handler is not None:
            return result
        if func in self.table.statistics:
            self.mark_statistic(result)
        elif func not in self.table.passing and any(tensor.grad_fn is not None for tensor in tensors(result)):
            raise self.refuse(func)
        return result


def tensors(value: object) -> Iterator[Tensor]:
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        inner: Iterable[object] = value.values() if isinstance(value, dict) else value
        for element in inner:
            yield from tensors(element)
