"""Which versions a result was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = {"openclip": ["open_clip_torch", "timm"], "timm": ["timm"], "transformers": ["transformers"]}


def versions(family: str) -> dict[str, str]:
    """Versions of Python, of Whylight, and of the libraries that a model of this family runs on."""
    found = {"python": platform.python_version()}
    for package in ("whylight", "torch", *_PACKAGES.get(family, ())):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a folder that was never installed
            found[package] = "unknown"
    return found
