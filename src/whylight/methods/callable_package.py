"""Why ``whylight.methods()`` works, although ``whylight.methods`` is also this package of methods."""

from __future__ import annotations

from types import ModuleType

from whylight.methods.registry import methods


class CallablePackage(ModuleType):
    """A package that can be called: importing ``whylight.methods`` makes Python set that name to the package."""

    def __call__(self) -> list[str]:
        """Names of all methods."""
        return methods()
