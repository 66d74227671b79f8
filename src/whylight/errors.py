"""What can go wrong, each with one clear line that says what is wrong and what to do."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "PyYAML"}
"""Packages by the name of their module, where the two differ."""


def one_line(message: object) -> str:
    """A message in which lines follow one another on one line."""
    return " ".join(filter(None, str(message).splitlines()))


def first_line(error: BaseException) -> str:
    """What an error says first; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class WhylightError(Exception):
    """Base of every error that Whylight raises on purpose. Its message is one line for a person, whatever lines of
    others are quoted in it."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message))


class UnsupportedModel(WhylightError):
    """The model is of no family that Whylight can drive, or hides its attention."""


class UnknownName(WhylightError):
    """A model, method, option or class that does not exist. The message names near misses."""


class BadInput(WhylightError):
    """A picture, prompt, target or option that cannot be used."""


class MissingExtra(WhylightError):
    """An optional dependency is not installed. The message names the extra to install."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'this needs {package}, which is not installed: pip install "whylight[{extra}]"')


class WhylightWarning(UserWarning):
    """A result that means less than it seems, in one line for a person: unknown words, a constant map."""


def need_installed(*modules: str, extra: str) -> None:
    """Refuse early, without importing them, what modules of an extra would refuse late.

    Raises:
        MissingExtra: one of them is not installed.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra(_DISTRIBUTIONS.get(module, module), extra)


# C0 and C1 but tab and line feed, and what turns the direction of a line.
_UNSEEN = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A)}
_UNSEEN |= dict.fromkeys((1564, 8206, 8207, *range(8232, 8239), *range(8294, 8298)), "�")


def visible(text: str) -> str:
    """A text of others, fit for a terminal or a page: escape sequences and turns of direction cannot do anything. As
    long as the text, character for character."""
    return text.translate(_UNSEEN)


def need(module: str, extra: str) -> Any:
    """Import a module of an extra.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise MissingExtra(_DISTRIBUTIONS.get(package, package), extra) from None
