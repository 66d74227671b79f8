"""Whylight: why a vision transformer said what it said.

Public names are imported when they are first used, so that ``import whylight`` is instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whylight.answers import Answer, ask, ask_each
    from whylight.errors import WhylightError
    from whylight.maps.read import read_maps
    from whylight.methods import methods, relevance
    from whylight.methods.decomposition import Decomposition, decompose
    from whylight.methods.decomposition.text_span import TextDirection
    from whylight.models.load import load
    from whylight.models.targets import difference
    from whylight.models.view import View
    from whylight.models.wrap import wrap
    from whylight.pictures.attention import Attention, attention
    from whylight.pictures.explain import explain
    from whylight.pictures.explanation import Explanation
    from whylight.pictures.session import Session, record
    from whylight.pictures.session_cache import Sessions
    from whylight.pictures.text_span import text_span
    from whylight.text import TextExplanation, explain_text

__all__ = [
    "Answer",
    "Attention",
    "Decomposition",
    "Explanation",
    "Session",
    "Sessions",
    "TextDirection",
    "TextExplanation",
    "View",
    "WhylightError",
    "__version__",
    "ask",
    "ask_each",
    "attention",
    "decompose",
    "difference",
    "explain",
    "explain_text",
    "load",
    "methods",
    "read_maps",
    "record",
    "relevance",
    "text_span",
    "wrap",
]

_HOMES = {
    "Answer": "whylight.answers",
    "Attention": "whylight.pictures.attention",
    "Decomposition": "whylight.methods.decomposition",
    "Explanation": "whylight.pictures.explanation",
    "TextDirection": "whylight.methods.decomposition.text_span",
    "TextExplanation": "whylight.text",
    "Session": "whylight.pictures.session",
    "Sessions": "whylight.pictures.session_cache",
    "View": "whylight.models.view",
    "WhylightError": "whylight.errors",
    "ask": "whylight.answers",
    "ask_each": "whylight.answers",
    "attention": "whylight.pictures.attention",
    "decompose": "whylight.methods.decomposition",
    "difference": "whylight.models.targets",
    "explain": "whylight.pictures.explain",
    "explain_text": "whylight.text",
    "load": "whylight.models.load",
    "read_maps": "whylight.maps.read",
    "record": "whylight.pictures.session",
    "relevance": "whylight.methods",
    "text_span": "whylight.pictures.text_span",
    "wrap": "whylight.models.wrap",
}
_VIEWS = {"View", "load", "wrap"}
"""What gives views, which have :func:`record` as a method once its module is there."""
_DOORS = ("record", "attention")
"""Front doors that put something below them: :func:`attention` makes the package of its name callable."""
_PACKAGES = {"methods", "scenes", "web"}
"""Packages under their own name; ``methods`` can also be called (:mod:`whylight.methods.callable_package`)."""


def __getattr__(name: str) -> Any:
    if name in _VIEWS:
        for door in _DOORS:
            importlib.import_module(_HOMES[door])
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _PACKAGES:
        return importlib.import_module(f"whylight.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("whylight")
    raise AttributeError(f"module 'whylight' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})
