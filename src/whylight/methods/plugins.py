"""Methods of other packages, which name their module under the entry point group ``whylight.methods``."""

from __future__ import annotations

import threading
import warnings
from importlib.metadata import entry_points

from whylight.errors import WhylightWarning

GROUP = "whylight.methods"

_LOCK = threading.RLock()
_LOADED: set[str] = set()
"""Groups whose modules have been asked for."""


def load_plugins() -> None:
    """Import what installed packages name; once, and a package that fails is left out.

    Warns:
        WhylightWarning: a module cannot be imported, or takes the name of a method that is there.
    """
    with _LOCK:
        if GROUP in _LOADED:
            return
        _LOADED.add(GROUP)
        for point in entry_points(group=GROUP):
            try:
                point.load()
            except Exception as error:
                said = str(error).partition("\n")[0]
                warnings.warn(f"{point.value} adds no methods: {type(error).__name__}: {said}", WhylightWarning, 3)
