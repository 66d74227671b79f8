"""Which versions a result was made with."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = {"openclip": ["open_clip_torch", "timm"], "timm": ["timm"], "transformers": ["transformers"]}


def versions(family: str) -> dict[str, str]:
    """Versions of Python, of Whylight, and of the libraries that a model of this family runs on."""
    found = {"python": platform.python_version()}
    for package in ("whylight", "torch", *_PACKAGES.get(family, ())):
        found[package] = _version(package)
    return found


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
