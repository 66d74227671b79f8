"""Optional packages of the ``evaluation`` and ``text`` extras, imported where they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from whylight.errors import MissingExtra

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def need(module: str, extra: str = "evaluation") -> Any:
    """Import a module of an extra.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise MissingExtra(_DISTRIBUTIONS.get(package, package), extra) from None
