"""Views of models: one folder per family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whylight.models.view import AttentionPool, Inputs, Pass, View

__all__ = ["AttentionPool", "Inputs", "Pass", "View"]


def __getattr__(name: str) -> Any:
    """What is needed before torch is (:mod:`whylight.models.network`) does not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from whylight.models import view

    return getattr(view, name)
