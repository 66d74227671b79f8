"""A function mode that is made of one handler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]


class FunctionMode(TorchFunctionMode, ABC):
    """Inside ``with mode:`` every function of torch that this thread calls is what :meth:`handle` makes of it.

    Inside :meth:`handle` the mode is off: functions called there are seen by modes further out only.
    """

    @abstractmethod
    def handle(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the model gets for ``func(*args, **kwargs)``; NotImplemented leaves the function what it is."""

    def __torch_function__(
        self, func: Function, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        result = self.handle(func, args, kwargs)
        return func(*args, **kwargs) if result is NotImplemented else result
